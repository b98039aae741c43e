import type { Client } from '../engine/client.ts';
import type { BackendState } from '../engine/question.ts';
import type { State } from '../state/state.ts';

/** Properties of every page. */
export interface ViewProps {
  readonly client: Client;
  readonly state: State;
  readonly setState: (part: Partial<State>) => void;
  readonly backends: readonly BackendState[];
  readonly addBackend: (added: BackendState) => void;
  readonly scheme: 'light' | 'dark';
}
