import type { Program, ValuesOf } from './program.ts';

/**
 * A mode of gpu.js that runs: float32 arrays in its memory, and programs over them.
 *
 * @typeParam B what it keeps an array in. Arrays have at least one element, all of them finite.
 */
export interface Engine<B = unknown> {
  /** What really runs: the mode, and the adapter or the threads. */
  readonly device: string;
  /** Whether a GPU's interface is imitated by software, which is slower than the modes without a GPU. */
  readonly software: boolean;
  /** Elements that an array can have. */
  readonly maximumElements: number;
  /** Multiplications that one launch may take: nothing else is served meanwhile, an abort neither. */
  readonly longestLaunch: number;
  /** Threads that one launch can have along its third axis. */
  readonly maximumLayers: number;
  /** Copies. */
  upload(data: Float32Array): Promise<B>;
  /** A copy of the first elements. */
  download(array: B, length: number): Promise<Float32Array>;
  /** Writes into an array. Returns it, or another that takes its place; it has then been freed. */
  overwrite(array: B, part: Float32Array, at: Slab): Promise<B>;
  /**
   * Copies all rows of an array into another, row r to where `to` says: of `stride` elements the first `length`. Only
   * where arrays can be written in place; elsewhere programs carry over what was there.
   */
  copyRows?(target: B, source: B, rows: Rows, to: (row: number) => number): void;
  free(array: B): void;
  /** Runs a program with a thread for each element of `output`: `[x]` or `[x, y, z]`, x innermost. */
  launch<P extends Program>(program: P, output: readonly number[], values: ValuesOf<P, B>): Promise<B>;
  /** Lets other work go on, and waits until the device has caught up: what was freed is then free. */
  settle(): Promise<void>;
  dispose(): Promise<void>;
}

/** The lengths of rows, and of what is copied of them. */
export interface Rows {
  readonly stride: number;
  readonly length: number;
}

/** A part of an array `[outer, length, inner]`: `count` entries of the middle axis from `start` on. */
export interface Slab {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly start: number;
  readonly count: number;
}

/** The pieces of a slab that are contiguous: `(index in the part, index in the array, elements)`. */
export function eachPiece(
  { outer, length, inner, start, count }: Slab,
  visit: (from: number, to: number, elements: number) => void,
): void {
  for (let o = 0; o < outer; o++) visit(o * count * inner, (o * length + start) * inner, count * inner);
}
