import type { CaptureName } from '@heed/conformance';
import type { HeedErrorJSON, Selection } from '@heed/core';

/** What the page asks a backend, as plain data. */
export interface Question {
  readonly backend: string;
  readonly capture: CaptureName | 'own';
  /** Which run of the reader's own model: another one is another question. */
  readonly run?: number;
  readonly layer: number;
  readonly selection: Selection;
  readonly seed: number;
  readonly causal: boolean;
  /** Tokens to either side, or null for all of them. */
  readonly window: number | null;
  readonly temperature: number;
}

/** What the backend computed, for all heads. */
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
  /** `[H, L, D]`: what was computed from. */
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
  /** What 199 of 200 weights are not above: an end for a colour scale that few large ones do not make pale. */
  readonly strong: number;
  readonly device: string;
  readonly milliseconds: number;
}

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
