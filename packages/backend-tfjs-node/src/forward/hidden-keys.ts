import type { VisibleKeys } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine } from '../platform/engine.ts';
import { type Range, type Tile, isDense, lengthOf } from '../plan/tiles.ts';

/** Keys that a row of a tile cannot see: so many of the first, and so many of the last. */
interface HiddenEnds {
  readonly left: number;
  readonly right: number;
}

/** Masks of causal, window and lengths for one run. Tiles that hide alike share one, as all of a causal run do. */
export class HiddenKeys {
  readonly #engine: Engine;
  readonly #visible: VisibleKeys;
  readonly #perBatch: boolean;
  readonly #maximumKeys: number;
  readonly #masks = new Map<string, TfTensor>();

  /**
   * @param tiles those of the run, as they are computed.
   * @param perBatch whether batch elements may differ in what their rows can see.
   */
  constructor(engine: Engine, visible: VisibleKeys, tiles: readonly Tile[], perBatch: boolean) {
    this.#engine = engine;
    this.#visible = visible;
    this.#perBatch = perBatch;
    const masked = tiles.filter((tile) => !isDense(tile));
    this.#maximumKeys = Math.max(0, ...masked.map(({ keys }) => lengthOf(keys)));
  }

  /** −∞ where a tile's row must not attend, else 0: `[B or 1, 1, Lq, Lk]`. */
  mask(tile: Tile): TfTensor {
    const hidden = this.#hiddenEnds(tile);
    const [rows, keys] = [lengthOf(tile.rows), lengthOf(tile.keys)];
    // Where only last keys are hidden, a narrow mask is the end of a wide one.
    const width = hidden.every(({ left }) => left === 0) ? Math.max(this.#maximumKeys, keys) : keys;
    const name = `${rows} ${width} ${hidden.map(({ left, right }) => `${left}/${right}`).join()}`;
    let mask = this.#masks.get(name);
    if (mask === undefined) {
      mask = this.#engine.tf.keep(this.#made(hidden, rows, width));
      this.#masks.set(name, mask);
    }
    return width === keys ? mask : this.#engine.tf.slice(mask, [0, 0, 0, width - keys]);
  }

  dispose(): void {
    for (const mask of this.#masks.values()) mask.dispose();
    this.#masks.clear();
  }

  #hiddenEnds({ batches, rows, keys }: Tile): HiddenEnds[] {
    const apart: Range = this.#perBatch ? batches : { start: 0, end: 1 };
    const length = lengthOf(rows);
    return Array.from({ length: lengthOf(apart) * length }, (_, n) => {
      const [b, i] = [apart.start + Math.floor(n / length), rows.start + (n % length)];
      const first = Math.max(keys.start, this.#visible.first(b, i));
      const end = Math.max(keys.start, this.#visible.end(b, i));
      return { left: Math.min(first, keys.end) - keys.start, right: Math.max(0, keys.end - end) };
    });
  }

  #made(hidden: readonly HiddenEnds[], rows: number, keys: number): TfTensor {
    const data = new Float32Array(hidden.length * keys);
    for (const [n, { left, right }] of hidden.entries()) {
      data.fill(-Infinity, n * keys, n * keys + left);
      data.fill(-Infinity, (n + 1) * keys - right, (n + 1) * keys);
    }
    return this.#engine.tf.tensor(data, [hidden.length / rows, 1, rows, keys]);
  }
}
