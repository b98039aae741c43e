import type { CaptureName } from '@heed/conformance';
import type { HeedErrorJSON, Selection } from '@heed/core';

/** Question of the page to a backend, as plain data. */
export interface Question {
  readonly backend: string;
  readonly capture: CaptureName | 'own';
  /** Number of the run of the reader's own model: another run is another question. */
  readonly run?: number;
  readonly layer: number;
  readonly selection: Selection;
  readonly seed: number;
  readonly causal: boolean;
  /** Number of tokens on either side, or null for all of them. */
  readonly window: number | null;
  readonly temperature: number;
}

/** Results of the backend, for all heads. */
export interface Answer {
  readonly tokens: readonly string[];
  readonly heads: number;
  readonly headDim: number;
  /** 1 / √D, before temperature. */
  readonly scale: number;
  /** `[H, L, L]`. */
  readonly weights: Float32Array;
  /** `[H, L, D]`. */
  readonly output: Float32Array;
  /** Inputs of the computation, `[H, L, D]`. */
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
  /** Bound of 199 of 200 weights: an end of the color scale that a few large ones do not make pale. */
  readonly strong: number;
  readonly device: string;
  readonly milliseconds: number;
}

/** The part of an answer that pictures need. */
export type Sight = Pick<Answer, 'tokens' | 'heads' | 'weights' | 'strong'>;

/** Results or errors as plain data: errors keep their code and remedy on the way out of the worker. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: HeedErrorJSON };

/** A backend, and whether it runs here. */
export interface BackendState {
  readonly id: string;
  readonly label: string;
  readonly status: 'looking' | 'available' | 'unavailable';
  /** The device where it is available, the reason where not. */
  readonly detail: string;
  readonly remedy?: string;
}
