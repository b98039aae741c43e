import { type AttentionBackend, HeedError, type ResidentTensor } from '@heed/core';
import { checkOptions, integer, listOf, oneOf, required } from '@heed/core/backend';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { Group } from './group.ts';
import {
  CACHE_TYPES,
  type DecoderCacheType,
  type LayerMemory,
  allocateLayers,
  disposeLayers,
  fitsModel,
  writeRows,
} from './memory.ts';
import type { DecoderCache, DecoderCacheOptions } from './cache.ts';
import { positionsOf } from './paged-run.ts';

/** The cache of a decoder, with a row of keys for each text. */
export class TextRows implements DecoderCache {
  readonly batch: number;
  readonly capacity: number;
  readonly type: DecoderCacheType;
  readonly #layers: readonly LayerMemory[];
  #lengths: number[];

  constructor(layers: readonly LayerMemory[], lengths: readonly number[]) {
    this.#layers = layers;
    this.type = layers[0].key.dtype as DecoderCacheType;
    this.#lengths = [...lengths];
    this.batch = lengths.length;
    this.capacity = layers[0].key.shape[2];
  }

  get lengths(): readonly number[] {
    return this.#lengths;
  }

  truncate(length: number | readonly number[]): void {
    const lengths = typeof length === 'number' ? this.#lengths.map(() => length) : [...length];
    const fits =
      lengths.length === this.batch &&
      lengths.every((kept, b) => Number.isSafeInteger(kept) && kept >= 0 && kept <= this.#lengths[b]);
    if (!fits) {
      throw new HeedError(
        'ARGUMENT',
        `truncate(): length is [${lengths.join(', ')}]; expected at most [${this.#lengths.join(', ')}]`,
        { remedy: 'give lengths that the cache has' },
      );
    }
    this.#lengths = lengths;
  }

  async gather(texts: readonly number[]): Promise<TextRows> {
    this.#check(texts);
    const made: ResidentTensor[] = [];
    const layers: LayerMemory[] = [];
    try {
      for (const layer of this.#layers) {
        layers.push(
          await mapMemory(layer, async (tensor) => {
            const taken = await tensor.gather(texts);
            made.push(taken);
            return taken;
          }),
        );
      }
    } catch (error) {
      for (const tensor of made) tensor.dispose();
      throw error;
    }
    return new TextRows(
      layers,
      texts.map((b) => this.#lengths[b]),
    );
  }

  async reorder(texts: readonly number[]): Promise<void> {
    this.#check(texts);
    for (const layer of this.#layers) {
      for (const tensor of Object.values(layer)) await tensor.reorder(texts);
    }
    this.#lengths = texts.map((b) => this.#lengths[b]);
  }

  dispose(): void {
    disposeLayers(this.#layers);
  }

  /** Returns whether it has the layers and heads of a model. */
  fits(config: DecoderConfig): boolean {
    return fitsModel(this.#layers, config);
  }

  /** New tokens `[B, L]` of the texts, `counts[b]` of each, after the last; they count once {@link advance} says so. */
  groupOf(length: number, counts: readonly number[]): Group {
    const before = this.#lengths;
    return {
      length,
      firsts: before.map((_, b) => b * length),
      positions: positionsOf(before, length),
      scope: {
        causal: true,
        alignment: { offset: before },
        keyLengths: before.map((from, b) => from + counts[b]),
      },
      pages: null,
      append: async (layer, rows) => {
        const memory = this.#layers[layer];
        await writeRows(memory, rows, { axis: 2, start: before });
        return memory;
      },
    };
  }

  advance(counts: readonly number[]): void {
    this.#lengths = this.#lengths.map((length, b) => length + counts[b]);
  }

  #check(texts: readonly number[]): void {
    const kinds = { texts: required(listOf(integer(0, this.batch - 1))) };
    checkOptions('the cache', { texts }, kinds);
  }
}

/** The same tensors, each replaced by another. */
async function mapMemory(
  layer: LayerMemory,
  replace: (tensor: ResidentTensor) => Promise<ResidentTensor>,
): Promise<LayerMemory> {
  const result: Partial<Record<keyof LayerMemory, ResidentTensor>> = {};
  for (const [name, tensor] of Object.entries(layer))
    result[name as keyof LayerMemory] = await replace(tensor);
  return result as LayerMemory;
}

/** @throws HeedError `ARGUMENT`, `UNKNOWN_OPTION`; `UNSUPPORTED` for a type that the backend lacks; `OUT_OF_MEMORY`. */
export async function createRows(
  backend: AttentionBackend,
  config: DecoderConfig,
  options: DecoderCacheOptions,
): Promise<TextRows> {
  checkOptions('cache()', options, {
    batch: integer(1),
    capacity: integer(1, config.positions),
    type: oneOf(...CACHE_TYPES),
  });
  const { batch = 1, capacity = config.positions, type = 'float32' } = options;
  const shape = { type, count: batch, rows: capacity };
  const memories = await allocateLayers('cache()', backend, config, shape);
  return new TextRows(memories, Array<number>(batch).fill(0));
}
