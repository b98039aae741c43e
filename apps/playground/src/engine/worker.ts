import { expose } from 'comlink';
import { listAttention } from './attention-list.ts';
import { addFromURL, ask, examine, outcomeOf } from './engine.ts';
import { fetchLanguageModel, languageModel, openLanguageModel, read } from './language-model.ts';
import { loadModel, runModel } from './dropped-model.ts';
import { holdLock } from './lock.ts';
import { race } from './race.ts';

/** Functions that the page can call; each has an outcome, also where the worker is lost. */
export const api = {
  addFromURL,
  ask,
  examine: (id: string) => outcomeOf(async () => examine(id)),
  fetchLanguageModel,
  holdLock: () => outcomeOf(holdLock),
  languageModel: () => outcomeOf(async () => languageModel()),
  listAttention,
  loadModel,
  openLanguageModel,
  race: (...given: Parameters<typeof race>) => outcomeOf(async () => race(...given)),
  read,
  runModel,
};
export type Engine = typeof api;

expose(api);
