import { expose } from 'comlink';
import { addFromURL, ask, examine } from './engine.ts';
import { loadModel, runModel } from './own-model.ts';
import { race } from './race.ts';

/** Functions that the page can call. */
export const api = { addFromURL, ask, examine, loadModel, race, runModel };
export type Engine = typeof api;

expose(api);
