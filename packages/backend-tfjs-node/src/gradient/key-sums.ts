import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine, Tensors } from '../platform/engine.ts';
import type { Held } from '../memory/held.ts';
import type { Range } from '../plan/tiles.ts';

interface Piece {
  readonly keys: Range;
  readonly sums: Tensors;
}

/**
 * Adds up the sums of stacked tiles for their keys, `[B, Hkv, Lk, …]`. From tile to tile the first key only
 * moves on, so the keys left behind are finished, and a step costs no more than the keys of its tile.
 */
export class KeySums {
  readonly #engine: Engine;
  readonly #held: Held;
  /** Ascending and disjoint; only the last one grows. */
  readonly #pieces: Piece[] = [];

  constructor(engine: Engine, held: Held) {
    this.#engine = engine;
    this.#held = held;
  }

  add(piece: Piece): void {
    const last = this.#pieces.at(-1);
    if (last === undefined || piece.keys.start >= last.keys.end) {
      this.#pieces.push(piece);
      return;
    }
    const { start } = piece.keys;
    const keys = { start, end: Math.max(piece.keys.end, last.keys.end) };
    const finished = this.#map(last, (sum) => this.#part(sum, 0, start - last.keys.start));
    const sums = this.#map(last, (sum, name) => {
      const rest = this.#part(sum, start - last.keys.start, last.keys.end - start);
      const grown = this.#padded(rest, 0, keys.end - last.keys.end);
      return this.#engine.tf.add(grown, this.#padded(piece.sums[name]!, 0, keys.end - piece.keys.end));
    });
    this.#pieces.pop();
    this.#held.free(last.sums);
    this.#held.free(piece.sums);
    this.#pieces.push({ keys: { start: last.keys.start, end: start }, sums: finished }, { keys, sums });
  }

  /** The sums under a name, in their full shape `[B, Hkv, Lk, …]`; 0 for keys that no tile had. */
  total(name: string, shape: readonly number[]): TfTensor {
    const { tf } = this.#engine;
    if (this.#pieces.length === 0) return tf.zeros([...shape]);
    const ends = [0, ...this.#pieces.map(({ keys }) => keys.end)];
    const parts = this.#pieces.map(({ keys, sums }, n) =>
      this.#padded(sums[name]!, keys.start - ends[n]!, 0),
    );
    return this.#padded(tf.concat(parts, 2), 0, shape[2]! - ends.at(-1)!);
  }

  #map({ sums }: Piece, change: (sum: TfTensor, name: string) => TfTensor): Tensors {
    const changed = (): Tensors =>
      Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, change(sum, name)]));
    return this.#held.add(this.#engine.compute(changed));
  }

  #part(sum: TfTensor, start: number, length: number): TfTensor {
    const [batch, heads, , depth] = sum.shape as [number, number, number, number];
    return this.#engine.tf.slice(sum, [0, 0, start, 0], [batch, heads, length, depth]);
  }

  #padded(sum: TfTensor, before: number, after: number): TfTensor {
    if (before === 0 && after === 0) return sum;
    return this.#engine.tf.pad(sum, [
      [0, 0],
      [0, 0],
      [before, after],
      [0, 0],
    ]);
  }
}
