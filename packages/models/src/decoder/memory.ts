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
import type { DecoderConfig } from '../config/decoder-config.ts';

/** Element types of a cache. Numbers of `int8` and `int4x2` have a scale for 32 of them, or for a row. */
export const CACHE_TYPES = ['float32', 'float16', 'bfloat16', 'int8', 'int4x2'] as const;

/** An element type of a cache. */
export type DecoderCacheType = (typeof CACHE_TYPES)[number];

/**
 * Keys and values of a layer, `[B, Hkv, capacity, D]` or `[pages, Hkv, page size, D]` each, and the scales of integers, in the
 * backend's memory, under the names that attention takes.
 */
export type LayerMemory = Readonly<Record<'key' | 'value', ResidentTensor>> &
  Partial<Readonly<Record<'keyScales' | 'valueScales', ResidentTensor>>>;

/**
 * Allocates the memory of all layers, `[count, Hkv, rows, D]` each.
 *
 * @param owner in messages: `cache()`.
 * @throws HeedError `UNSUPPORTED` for a type that the backend lacks; `OUT_OF_MEMORY`.
 */
export async function allocateLayers(
  owner: string,
  backend: AttentionBackend,
  { layers, kvHeads, headDim }: DecoderConfig,
  { type, count, rows }: { readonly type: DecoderCacheType; readonly count: number; readonly rows: number },
): Promise<readonly LayerMemory[]> {
  if (type !== 'float32' && !backend.capabilities.features.includes(`cache.${type}`)) {
    throw new HeedError(
      'UNSUPPORTED',
      `${owner}: type is ${type}, which ${backend.device} lacks beside float32`,
      {
        clause: 'cache',
        remedy: 'use float32, or a backend that has it among its capabilities.features',
      },
    );
  }
  const isInteger = type === 'int8' || type === 'int4x2';
  const groups = headDim % 32 === 0 ? headDim / 32 : 1;
  const made: ResidentTensor[] = [];
  const allocate = async (dtype: DecoderCacheType, width: number): Promise<ResidentTensor> => {
    const tensor = await backend.allocate(dtype, [count, kvHeads, rows, width]);
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
  return memories;
}

/** Returns whether memory has the layers and heads of a model. */
export function fitsModel(layers: readonly LayerMemory[], config: DecoderConfig): boolean {
  return layers.length === config.layers && layers[0]!.key.shape[1] === config.kvHeads;
}

/** Writes new rows `[B, Hkv, L, D]` of a layer, in the type of its memory. */
export async function writeRows(
  memory: LayerMemory,
  rows: Readonly<Record<'key' | 'value', Tensor>>,
  at: Parameters<ResidentTensor['write']>[1],
): Promise<void> {
  const type = memory.key.dtype as DecoderCacheType;
  for (const name of ['key', 'value'] as const) {
    const scales = memory[`${name}Scales`];
    if (scales === undefined) {
      await memory[name].write(cast(rows[name], type as FloatDType), at);
    } else {
      const quantized = quantize(rows[name], type as 'int8' | 'int4x2');
      await memory[name].write(quantized.numbers, at);
      await scales.write(quantized.scales, at);
    }
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

/** Frees the memory of all layers. */
export function disposeLayers(layers: readonly LayerMemory[]): void {
  for (const layer of layers) for (const tensor of Object.values(layer)) tensor.dispose();
}
