import { type AttentionBackend, HeedError, type ResidentTensor, type Tensor } from '@heed/core';
import { checkOptions, integer, listOf, required } from '@heed/core/backend';
import type { DecoderConfig } from '../config/decoder-config.ts';

export interface DecoderCacheOptions {
  /** B, the number of texts that grow side by side. Default 1. */
  readonly batch?: number;
  /** The number of tokens that a text may have. Default: that of the model's training. */
  readonly capacity?: number;
}

/** Keys and values of a layer, `[B, Hkv, capacity, D]` each, in the backend's memory. */
export type LayerMemory = Readonly<Record<'key' | 'value', ResidentTensor>>;

/**
 * Keys and values of the tokens so far, of each layer, in float32. Created by `model.cache()` and passed to
 * `model.run()`, one run at a time. Free it with `dispose()`.
 */
export class DecoderCache {
  /** B. */
  readonly batch: number;
  readonly capacity: number;
  readonly #layers: readonly LayerMemory[];
  #lengths: number[];

  constructor(layers: readonly LayerMemory[], lengths: readonly number[]) {
    this.#layers = layers;
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
    const take = async (tensor: ResidentTensor): Promise<ResidentTensor> => {
      const taken = await tensor.gather(texts);
      made.push(taken);
      return taken;
    };
    const layers: LayerMemory[] = [];
    try {
      for (const { key, value } of this.#layers)
        layers.push({ key: await take(key), value: await take(value) });
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
    for (const { key, value } of this.#layers) {
      await key.reorder(texts);
      await value.reorder(texts);
    }
    this.#lengths = texts.map((b) => this.#lengths[b]);
  }

  /** Frees the memory. */
  dispose(): void {
    for (const { key, value } of this.#layers) {
      key.dispose();
      value.dispose();
    }
  }

  /** Writes a layer's new rows `[B, Hkv, L, D]` behind the last; they count once {@link advance} says so. */
  async append(layer: number, key: Tensor, value: Tensor): Promise<LayerMemory> {
    const memory = this.#layers[layer];
    const at = { axis: 2, start: this.#lengths };
    await memory.key.write(key, at);
    await memory.value.write(value, at);
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

/** @throws HeedError `ARGUMENT`, `UNKNOWN_OPTION`; `OUT_OF_MEMORY`. */
export async function createDecoderCache(
  backend: AttentionBackend,
  { layers, kvHeads, headDim, positions }: DecoderConfig,
  options: DecoderCacheOptions,
): Promise<DecoderCache> {
  checkOptions('cache()', options, { batch: integer(1), capacity: integer(1, positions) });
  const { batch = 1, capacity = positions } = options;
  const made: ResidentTensor[] = [];
  const allocate = async (): Promise<ResidentTensor> => {
    const tensor = await backend.allocate('float32', [batch, kvHeads, capacity, headDim]);
    made.push(tensor);
    return tensor;
  };
  const memories: LayerMemory[] = [];
  try {
    for (let n = 0; n < layers; n++) memories.push({ key: await allocate(), value: await allocate() });
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  }
  return new DecoderCache(memories, Array<number>(batch).fill(0));
}
