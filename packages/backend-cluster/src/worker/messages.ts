import type { Capabilities, HeedErrorJSON, Tensor } from '@heed/core';
import type { Task } from '../run/protocol.ts';

/** Data that the computing thread starts with. */
export interface ThreadData {
  /** Module whose default export is the provider. */
  readonly backendURL: string;
  readonly backendOptions: object;
  /** Bytes of tensors that are kept for later tasks. */
  readonly cacheBytes: number;
}

/** Message to the computing thread. */
export type ToThread =
  | { readonly what: 'task'; readonly id: number; readonly task: Task }
  | { readonly what: 'abort'; readonly id: number }
  | { readonly what: 'free'; readonly tensor: string }
  | {
      readonly what: 'blob';
      readonly name: string;
      readonly bytes?: Uint8Array;
      readonly error?: HeedErrorJSON;
    };

/** Message from the computing thread. */
export type FromThread =
  | {
      readonly what: 'ready';
      readonly contract: number;
      readonly backend: string;
      readonly device: string;
      readonly capabilities: Capabilities;
    }
  | { readonly what: 'broken'; readonly error: HeedErrorJSON }
  | { readonly what: 'fetch'; readonly name: string }
  | {
      readonly what: 'done';
      readonly id: number;
      readonly results?: Readonly<Record<string, unknown>>;
      /** Gradients to be stored under a name. */
      readonly store?: Readonly<Record<string, Tensor>>;
      readonly error?: HeedErrorJSON;
      readonly compute: number;
      readonly fetched: number;
    };
