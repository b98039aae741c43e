import { expose } from 'comlink';
import { addFromURL, ask, examine } from './engine.ts';
import { race } from './race.ts';

/** What the page can call. */
export const api = { addFromURL, ask, examine, race };
export type Engine = typeof api;

expose(api);
