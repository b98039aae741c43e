import type { StoredWeight, WeightType } from '@heed/core';
import { BLOCK_BYTES, BLOCK_LENGTH, halfTable, isBlockType } from '@heed/core/backend';
import { conversions } from '../shader/elements.ts';
import { type Binding, read } from '../shader/module.ts';
import { vectorsOf } from '../shader/tensors.ts';

/**
 * Packed weights: vectors of four neighbors along `in`, those of all outputs beside each other, so that neighboring invocations
 * read neighboring memory. Blocks keep their integers; scales and minima are float32 beside them, block by block.
 */
export interface PackedWeight {
  readonly vectors: Uint32Array;
  readonly scales: Float32Array | null;
  readonly minima: Float32Array | null;
}

/** Packs a stored weight. */
export function packStored(weight: StoredWeight): PackedWeight {
  return isBlockType(weight.dtype)
    ? packBlocks(weight as Extract<StoredWeight, { dtype: 'q8_0' | 'q4_0' | 'q4_1' }>)
    : packHalves(weight.shape, weight.data as Uint16Array);
}

function packHalves([outputs = 0, inputs = 0]: readonly number[], data: Uint16Array): PackedWeight {
  const halves = new Uint16Array(4 * vectorsOf(inputs) * outputs);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) halves[4 * ((i >> 2) * outputs + o) + (i & 3)] = data[o * inputs + i]!;
  }
  return { vectors: new Uint32Array(halves.buffer), scales: null, minima: null };
}

function packBlocks({
  dtype,
  shape: [outputs = 0, inputs = 0],
  data,
}: Extract<StoredWeight, { dtype: 'q8_0' | 'q4_0' | 'q4_1' }>): PackedWeight {
  const blocks = inputs / BLOCK_LENGTH;
  const bytes = BLOCK_BYTES[dtype];
  const words = dtype === 'q8_0' ? 8 : 4;
  const table = halfTable('float16');
  const half = (at: number): number => table[data[at]! | (data[at + 1]! << 8)]!;
  const vectors = new Uint32Array(blocks * words * outputs);
  const scales = new Float32Array(blocks * outputs);
  const minima = dtype === 'q4_1' ? new Float32Array(blocks * outputs) : null;
  let block = 0;
  for (let o = 0; o < outputs; o++) {
    for (let b = 0; b < blocks; b++) {
      const at = bytes * block++;
      scales[b * outputs + o] = half(at);
      if (minima) minima[b * outputs + o] = half(at + 2);
      const first = at + bytes - 4 * words;
      for (let w = 0; w < words; w++) {
        const n = first + 4 * w;
        vectors[(b * words + w) * outputs + o] =
          data[n]! | (data[n + 1]! << 8) | (data[n + 2]! << 16) | (data[n + 3]! << 24);
      }
    }
  }
  return { vectors, scales, minima };
}

export function weightBindings(type: WeightType): Binding[] {
  if (type === 'float32') return [read('weights', 'vec4u')];
  if (!isBlockType(type)) return [read('weights', 'vec2u')];
  return [read('weights'), read('scales'), ...(type === 'q4_1' ? [read('minima')] : [])];
}

/** A function `weightAt(o, n)`: the bits of numbers 4n … 4n + 3 of output o. */
export function weightLoader(type: WeightType): string {
  const of = (code: string): string => `fn weightAt(o: u32, n: u32) -> vec4u {\n${code}\n}`;
  const scale = 'vec4u(scales[(n >> 3u) * params.outputDim + o])';
  const half = `  let word = weights[((n >> 3u) * 4u + (n & 3u)) * params.outputDim + o] >> (4u * ((n >> 2u) & 1u));
  let q = vec4i((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u));`;
  switch (type) {
    case 'q8_0':
      return `${conversions('int8')}
${of(`  let word = weights[n * params.outputDim + o];
  return scaled(vec4i(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u), ${scale});`)}`;
    case 'q4_0':
      return `${conversions('int4x2')}\n${of(`${half}\n  return scaled(q - vec4i(8), ${scale});`)}`;
    case 'q4_1':
      return of(`${half}
  let minimum = bitcast<f32>(minima[(n >> 3u) * params.outputDim + o]);
  return bitcast<vec4u>(fma(vec4f(q), bitcast<vec4f>(${scale}), vec4f(minimum)));`);
    case 'float16':
    case 'bfloat16':
      return `${conversions(type)}
${of(`  let words = weights[n * params.outputDim + o];
  return widen_${type}(vec4u(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));`)}`;
    default:
      return of('  return weights[n * params.outputDim + o];');
  }
}
