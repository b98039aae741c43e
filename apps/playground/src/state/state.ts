import type { CaptureName } from '@heed/conformance';
import type { Selection } from '@heed/core';

export type Page = 'look' | 'write' | 'compare' | 'race' | 'own';

/** State that determines everything on the page: a permalink contains it. */
export interface State {
  readonly page: Page;
  readonly capture: CaptureName;
  readonly backend: string;
  readonly layer: number;
  readonly head: number;
  /** Selected query; null is the first token "bank". */
  readonly token: number | null;
  readonly selection: Selection;
  readonly seed: number;
  readonly causal: boolean;
  readonly window: number | null;
  readonly temperature: number;
  /** Longest length of the race. */
  readonly longest: number;
  /** True if the race is of local attention. */
  readonly local: boolean;
  /** Text for the language model, and which of its heads is shown. */
  readonly text: string;
  readonly writeLayer: number;
  readonly writeHead: number;
}

/**
 * Layer 0, head 4: the head in which "bank" looks for what kind of bank it is. Layer 17, head 5 of SmolLM2-135M: a head
 * that looks at what came next, the last time.
 */
export const INITIAL: State = {
  page: 'look',
  capture: 'bank-river',
  backend: 'ts',
  layer: 0,
  head: 4,
  token: null,
  selection: 'softmax',
  seed: 1,
  causal: false,
  window: null,
  temperature: 1,
  longest: 2048,
  local: false,
  text: 'Ada Lovelace wrote to Charles Babbage. A week later, Ada Lovelace wrote to',
  writeLayer: 17,
  writeHead: 5,
};

export const SENTENCES: Record<
  CaptureName,
  { readonly name: string; readonly text: string; readonly layers: readonly number[] }
> = {
  'bank-river': { name: 'River', text: 'The bank of the river was muddy.', layers: [0, 1, 2, 3, 4, 5] },
  'bank-money': { name: 'Loan', text: 'The bank approved the loan.', layers: [0, 1, 2, 3, 4, 5] },
  passage: { name: 'Passage', text: 'A passage on rivers and money', layers: [0, 5] },
};

export const HEADS = 12;
export const WORD = 'bank';
export const TEMPERATURES = { least: 0.1, most: 10 } as const;
export const WIDEST_WINDOW = 8;
export const LONGEST = [1024, 2048, 4096, 8192] as const;

/** Returns the selected token: the chosen one, or the word that the page is about. */
export function tokenOf(state: State, tokens: readonly string[]): number {
  const { token } = state;
  if (token !== null && token < tokens.length) return token;
  return Math.max(0, tokens.indexOf(WORD));
}

/** Applies a change and its consequences: another sentence has other tokens and layers. */
export function change(state: State, part: Partial<State>): State {
  const next = { ...state, ...part };
  const { layers } = SENTENCES[next.capture];
  const isOther = part.capture !== undefined && part.capture !== state.capture;
  // The reader's own model may have any number of layers.
  const isLayer = next.page === 'own' || layers.includes(next.layer);
  return {
    ...next,
    token: isOther && part.token === undefined ? null : next.token,
    layer: isLayer ? next.layer : layers[0]!,
  };
}
