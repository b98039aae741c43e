import type { DType, Tensor } from './tensor.ts';

/**
 * A tensor that lives in a backend's memory between calls: a wasm heap, a GPU buffer, a library's own tensor.
 * Only the backend that made it can compute with it.
 */
export interface ResidentTensor<D extends DType = DType> {
  /** Tells a resident tensor from a plain one. */
  readonly resident: true;
  readonly dtype: D;
  readonly shape: readonly number[];
  /**
   * Overwrites the slices `start`, `start + 1`, … of an axis. `part` has this tensor's shape except for its length
   * on that axis. This is how a key/value cache of fixed capacity grows: one row a step, nothing else is copied.
   *
   * @throws HeedError `SHAPE` or `DTYPE` when the part does not fit; then nothing was written.
   */
  write(part: Tensor, at: { readonly axis: number; readonly start: number }): Promise<void>;
  /** A plain copy. */
  read(): Promise<Tensor<D>>;
  /** Frees the memory. Safe to call twice; any later use is an error with the code `DISPOSED`. */
  dispose(): void;
}

/** Whether a value is a resident tensor, of whichever backend. */
export function isResident(value: unknown): value is ResidentTensor {
  return typeof value === 'object' && value !== null && (value as Partial<ResidentTensor>).resident === true;
}
