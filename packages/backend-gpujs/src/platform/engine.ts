import type { Program, ValuesOf } from './program.ts';

/**
 * A running mode of gpu.js: float32 arrays in its memory, and programs over them.
 *
 * @typeParam B type of its arrays. They have at least one element, all of them finite.
 */
export interface Engine<B = unknown> {
  /** The mode that actually runs, and the adapter or the threads. */
  readonly device: string;
  /** True if software emulates the GPU's interface, which is slower than the modes without a GPU. */
  readonly software: boolean;
  /** Maximum number of elements of an array. */
  readonly maximumElements: number;
  /** Maximum number of multiplications of a launch: nothing else runs meanwhile, and an abort has no effect. */
  readonly longestLaunch: number;
  /** Maximum number of threads of a launch along its third axis. */
  readonly maximumLayers: number;
  /** Copies. */
  upload(data: Float32Array): Promise<B>;
  /** A copy of the first elements. */
  download(array: B, length: number): Promise<Float32Array>;
  /** Writes into an array. Returns it, or a replacement after freeing it. */
  overwrite(array: B, part: Float32Array, at: Slab): Promise<B>;
  /**
   * Copies all rows of an array into another, row r to the position from `to`: the first `length` of `stride` elements.
   * Present only if arrays can be written in place; otherwise programs copy the previous content.
   */
  copyRows?(target: B, source: B, rows: Rows, to: (row: number) => number): void;
  free(array: B): void;
  /** Runs a program with a thread for each element of `output`: `[x]` or `[x, y, z]`, x innermost. */
  launch<P extends Program>(program: P, output: readonly number[], values: ValuesOf<P, B>): Promise<B>;
  /** Lets other work run, and waits until the device has caught up and freed arrays are released. */
  settle(): Promise<void>;
  dispose(): Promise<void>;
}

/** The lengths of rows, and of the part of them to copy. */
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
