import {
  type AttentionBackend,
  type FloatDType,
  HeedError,
  type ResidentTensor,
  type Tensor,
  cast,
  dequantize,
  quantize,
} from '@heed/core';
import { checkOptions, integer, listOf, oneOf, required } from '@heed/core/backend';
import type { DecoderConfig } from '../config/decoder-config.ts';

/** Element types of a cache. Numbers of `int8` and `int4x2` have a scale for 32 of them, or for a row. */
const CACHE_TYPES = ['float32', 'float16', 'bfloat16', 'int8', 'int4x2'] as const;

/** An element type of a cache. */
export type DecoderCacheType = (typeof CACHE_TYPES)[number];

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
 * Keys and values of a layer, `[B, Hkv, capacity, D]` each, and the scales of integers, in the backend's memory, under the names that
 * attention takes.
 */
export type LayerMemory = Readonly<Record<'key' | 'value', ResidentTensor>> &
  Partial<Readonly<Record<'keyScales' | 'valueScales', ResidentTensor>>>;

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
    for (const layer of this.#layers) for (const tensor of Object.values(layer)) tensor.dispose();
  }

  /** Writes a layer's new rows `[B, Hkv, L, D]` after the last; they count once {@link advance} says so. */
  async append(layer: number, key: Tensor, value: Tensor): Promise<LayerMemory> {
    const memory = this.#layers[layer];
    const at = { axis: 2, start: this.#lengths };
    for (const [name, rows] of [
      ['key', key],
      ['value', value],
    ] as const) {
      const scales = memory[`${name}Scales`];
      if (scales === undefined) {
        await memory[name].write(cast(rows, this.type as FloatDType), at);
      } else {
        const quantized = quantize(rows, this.type as 'int8' | 'int4x2');
        await memory[name].write(quantized.numbers, at);
        await scales.write(quantized.scales, at);
      }
    }
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

/** The values of the first tokens, `[B, Hkv, length, D]`, as float32. */
export async function valuesOf(
  { value, valueScales }: LayerMemory,
  length: number,
): Promise<Tensor<'float32'>> {
  const range = { axis: 2, start: 0, length };
  const numbers = await value.read(range);
  if (valueScales === undefined) return cast(numbers, 'float32');
  return dequantize(numbers as Tensor<'int8'>, (await valueScales.read(range)) as Tensor<'float32'>);
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
  { layers, kvHeads, headDim, positions }: DecoderConfig,
  options: DecoderCacheOptions,
): Promise<DecoderCache> {
  checkOptions('cache()', options, {
    batch: integer(1),
    capacity: integer(1, positions),
    type: oneOf(...CACHE_TYPES),
  });
  const { batch = 1, capacity = positions, type = 'float32' } = options;
  if (type !== 'float32' && !backend.capabilities.features.includes(`cache.${type}`)) {
    throw new HeedError(
      'UNSUPPORTED',
      `cache(): type is ${type}, which ${backend.device} lacks beside float32`,
      {
        clause: 'cache',
        remedy: 'use float32, or a backend that has it among its capabilities.features',
      },
    );
  }
  const rows = [batch, kvHeads, capacity];
  const isInteger = type === 'int8' || type === 'int4x2';
  const groups = headDim % 32 === 0 ? headDim / 32 : 1;
  const made: ResidentTensor[] = [];
  const allocate = async (dtype: DecoderCacheType, width: number): Promise<ResidentTensor> => {
    const tensor = await backend.allocate(dtype, [...rows, width]);
    made.push(tensor);
    return tensor;
  };
  const memories: LayerMemory[] = [];
  try {
    for (let n = 0; n < layers; n++) {
      const width = type === 'int4x2' ? headDim / 2 : headDim;
      const numbers = { key: await allocate(type, width), value: await allocate(type, width) };
      const scales = isInteger && {
        keyScales: await allocate('float32', groups),
        valueScales: await allocate('float32', groups),
      };
      memories.push({ ...numbers, ...scales });
    }
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  }
  return new DecoderCache(memories, Array<number>(batch).fill(0));
}
