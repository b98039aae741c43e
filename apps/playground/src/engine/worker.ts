import { expose } from 'comlink';
import { listAttention } from './attention-list.ts';
import { addFromURL, ask, examine } from './engine.ts';
import { fetchLanguageModel, languageModel, openLanguageModel, read } from './language-model.ts';
import { loadModel, runModel } from './dropped-model.ts';
import { race } from './race.ts';

/** Functions that the page can call. */
export const api = {
  addFromURL,
  ask,
  examine,
  fetchLanguageModel,
  languageModel,
  listAttention,
  loadModel,
  openLanguageModel,
  race,
  read,
  runModel,
};
export type Engine = typeof api;

expose(api);
