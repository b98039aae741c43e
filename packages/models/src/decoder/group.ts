import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { Hooks } from '../inside/hooks.ts';
import type { LayerMemory } from './memory.ts';
import type { Angles } from './rotary.ts';

type Float32 = Tensor<'float32'>;

/** Which keys each query of some texts attends to, as attention takes it. */
export interface Scope {
  readonly causal: true;
  readonly alignment: { readonly offset: readonly number[] };
  readonly keyLengths: readonly number[];
  readonly blockTable?: Tensor<'int32'>;
}

/** Texts of a step with equally many new tokens: a batch of attention. */
export interface Group {
  /** L, the number of new tokens of each text. */
  readonly length: number;
  /** The place of each text's first new token among those of the step. */
  readonly firsts: readonly number[];
  /** Positions of the tokens in their texts, int32 `[B, L]`. */
  readonly positions: Tensor<'int32'>;
  readonly scope: Scope;
  /** Pages of each text; null for keys in line. */
  readonly pages: readonly (readonly number[])[] | null;
  /** Writes the new keys and values of a layer, `[B, Hkv, L, D]`, and returns all that it has. */
  append(layer: number, rows: Readonly<Record<'key' | 'value', Float32>>): Promise<LayerMemory>;
}

/** A group with the angles of its tokens; null for a model without rotary embeddings. */
export interface TurnedGroup extends Group {
  readonly angles: Angles | null;
}

/** Hooks of some texts that stand one after another in a group. */
export interface Look {
  readonly hooks: Hooks;
  readonly group: Group;
  /** The first text. */
  readonly from: number;
  readonly count: number;
}

/** The texts of a look out of `[B, …]`, on the same memory. */
export function textsOf({ shape, data }: Float32, { from, count }: Look): Float32 {
  const size = data.length / shape[0]!;
  return {
    dtype: 'float32',
    shape: [count, ...shape.slice(1)],
    data: data.subarray(from * size, (from + count) * size),
  };
}

/** The tokens of a look among all those of a step. */
export function tokensOf({ group, from, count }: Look): { readonly start: number; readonly length: number } {
  return { start: group.firsts[from]!, length: count * group.length };
}

/** Some heads of a projection of all tokens, `[…, all · D]`, as a group's `[B, n, L, D]`. */
export function headsOf(
  projected: Float32,
  { firsts, length }: Group,
  [first, count]: readonly [number, number],
  headDim: number,
): Float32 {
  const width = projected.shape.at(-1)!;
  const result = zeros('float32', [firsts.length, count, length, headDim]);
  let to = 0;
  for (const start of firsts) {
    for (let h = first; h < first + count; h++) {
      for (let i = 0; i < length; i++, to += headDim) {
        const from = (start + i) * width + h * headDim;
        result.data.set(projected.data.subarray(from, from + headDim), to);
      }
    }
  }
  return result;
}

/** Writes the heads of a group, `[B, H, L, D]`, to its tokens among all, `[…, H · D]`. */
export function joinHeads(output: Float32, { firsts, length }: Group, joined: Float32): void {
  const [, heads, , headDim] = output.shape as [number, number, number, number];
  const width = heads * headDim;
  let from = 0;
  for (const start of firsts) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < length; i++, from += headDim) {
        joined.data.set(output.data.subarray(from, from + headDim), (start + i) * width + h * headDim);
      }
    }
  }
}
