import { type AttentionBackend, HeedError, type ResidentTensor, type Tensor } from '@heed/core';
import { checkOptions, integer, listOf, oneOf, required } from '@heed/core/backend';
import type { DecoderConfig } from '../config/decoder-config.ts';
import {
  CACHE_TYPES,
  type DecoderCacheType,
  type LayerMemory,
  allocateLayers,
  disposeLayers,
  fitsModel,
  writeRows,
} from './memory.ts';

export interface DecoderCacheOptions {
  /** B, the number of texts that grow side by side. Default 1. */
  readonly batch?: number | undefined;
  /** The number of tokens that a text may have. Default: that of the model's training. */
  readonly capacity?: number | undefined;
  /**
   * Storage of keys and values, where the backend has the feature `cache.TYPE`: 16 bits are half the memory and traffic of float32,
   * `int8` little over a quarter, `int4x2` (4 bits) half of that. Default `float32`.
   */
  readonly type?: DecoderCacheType | undefined;
}

/**
 * Keys and values of the tokens so far, of each layer. Created by `model.cache()` and passed to
 * `model.run()`, one run at a time. Free it with `dispose()`.
 */
export class DecoderCache {
  /** B. */
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

  /** The number of tokens that are kept of each text. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /**
   * Forgets all but the first tokens of each text, so that another continuation of the same prompt costs only its own
   * tokens.
   *
   * @param length of all texts, or of each.
   * @throws HeedError `ARGUMENT`.
   */
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

  /**
   * Creates a cache of some of the texts, each as often as it is named: a prompt's cache for several beams.
   *
   * @throws HeedError `ARGUMENT`; `OUT_OF_MEMORY`.
   */
  async gather(texts: readonly number[]): Promise<DecoderCache> {
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
    return new DecoderCache(
      layers,
      texts.map((b) => this.#lengths[b]),
    );
  }

  /**
   * Reorders in place: text b becomes what text `texts[b]` was.
   *
   * @throws HeedError `ARGUMENT`, `SHAPE`.
   */
  async reorder(texts: readonly number[]): Promise<void> {
    this.#check(texts);
    for (const layer of this.#layers) {
      for (const tensor of Object.values(layer)) await tensor.reorder(texts);
    }
    this.#lengths = texts.map((b) => this.#lengths[b]);
  }

  /** Frees the memory. */
  dispose(): void {
    disposeLayers(this.#layers);
  }

  /** Returns whether it has the layers and heads of a model. */
  fits(config: DecoderConfig): boolean {
    return fitsModel(this.#layers, config);
  }

  /** Writes a layer's new rows `[B, Hkv, L, D]` after the last; they count once {@link advance} says so. */
  async append(layer: number, key: Tensor, value: Tensor): Promise<LayerMemory> {
    const memory = this.#layers[layer];
    await writeRows(memory, { key, value }, { axis: 2, start: this.#lengths });
    return memory;
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
export async function createDecoderCache(
  backend: AttentionBackend,
  config: DecoderConfig,
  options: DecoderCacheOptions,
): Promise<DecoderCache> {
  checkOptions('cache()', options, {
    batch: integer(1),
    capacity: integer(1, config.positions),
    type: oneOf(...CACHE_TYPES),
  });
  const { batch = 1, capacity = config.positions, type = 'float32' } = options;
  const shape = { type, count: batch, rows: capacity };
  const memories = await allocateLayers('cache()', backend, config, shape);
  return new DecoderCache(memories, Array<number>(batch).fill(0));
}
