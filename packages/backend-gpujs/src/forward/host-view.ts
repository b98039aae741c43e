import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { broadcastStrides, rowStrides, visibleKeys } from '@heed/core/backend';
import type { Engine } from '../platform/engine.ts';
import {
  type DeviceArray,
  type DeviceTensor,
  type HostArray,
  downloadTensor,
} from '../memory/device-tensor.ts';
import type { FloatInputs } from '../memory/float-inputs.ts';

/** The host's view of the inputs of a run: attended pairs, and which are finite. Scores only near overflow. */
export interface HostView {
  /** The keys that a row may attend to, in ascending order. */
  attended(b: number, h: number, i: number): number[];
  /** Returns whether everything that enters the score of an attended key is finite. */
  hasFiniteScore(b: number, h: number, i: number, j: number): boolean;
  /** −∞ where there is none. */
  sink(h: number): number;
  hasFiniteValue(b: number, h: number, j: number): boolean;
  value(b: number, h: number, j: number, d: number): number;
}

export async function hostView(
  engine: Engine,
  problem: AttentionProblem,
  inputs: AttentionInputs<DeviceTensor>,
  floats: FloatInputs,
): Promise<HostView> {
  const { layout, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = problem;
  const plain: Partial<Record<keyof FloatInputs, Float32Array>> = {};
  for (const [name, array] of Object.entries(floats) as [keyof FloatInputs, DeviceArray][]) {
    plain[name] = Float32Array.from((await downloadTensor(engine, array)).data);
  }
  const headGroup = heads / kvHeads;
  const query = finiteRows(plain.query!, rowStrides(layout, heads, queryLength, 1), headDim, 1);
  const key = finiteRows(plain.key!, rowStrides(layout, kvHeads, keyLength, 1), headDim, headGroup);
  const value = finiteRows(plain.value!, rowStrides(layout, kvHeads, keyLength, 1), valueDim, headGroup);
  const valueAt = rowStrides(layout, kvHeads, keyLength, valueDim);
  const mask = broadcastReader(problem.mask?.shape, plain.mask);
  const bias = broadcastReader(problem.bias?.shape, plain.bias);
  const excludes = excluder(problem, inputs, mask, bias);
  const visible = visibleKeys(problem, inputs as AttentionInputs);
  const terms: Reader<number> = (b, h, i, j) =>
    bias(b, h, i, j) -
    (plain.alibiSlopes?.[h] ?? 0) * Math.abs(i + visible.offset(b) - j) +
    (problem.mask?.kind === 'float' ? mask(b, h, i, j) : 0);
  const product = productReader(problem, plain.query!, plain.key!);
  /** The score in float32; 0 for one that is far from overflow. */
  const score: Reader<number> = (b, h, i, j) => {
    const sum = terms(b, h, i, j);
    return Math.abs(sum) < NEAR_OVERFLOW ? 0 : Math.fround(sum + product(b, h, i, j));
  };
  const hasFiniteInputs: Reader<boolean> = (b, h, i, j) =>
    query(b, h, i) &&
    key(b, h, j) &&
    Number.isFinite(bias(b, h, i, j)) &&
    (problem.mask?.kind !== 'float' || Number.isFinite(mask(b, h, i, j))) &&
    Number.isFinite(plain.alibiSlopes?.[h] ?? 0);

  return {
    attended(b, h, i) {
      const keys: number[] = [];
      for (let j = visible.first(b, i); j < visible.end(b, i); j++) {
        const isBelow = score(b, h, i, j) === -Infinity && hasFiniteInputs(b, h, i, j);
        if (!isBelow && !excludes(b, h, i, j)) keys.push(j);
      }
      return keys;
    },
    hasFiniteScore: (b, h, i, j) => hasFiniteInputs(b, h, i, j) && score(b, h, i, j) !== Infinity,
    sink: (h) => plain.sinks?.[h] ?? -Infinity,
    hasFiniteValue: value,
    value: (b, h, j, d) =>
      plain.value![b * valueAt.batch + Math.floor(h / headGroup) * valueAt.head + j * valueAt.row + d]!,
  };
}

/** Bound within which products are expected. */
const NEAR_OVERFLOW = 2 ** 125;

/** The product of a query and a key, with scale and softcap. */
function productReader(problem: AttentionProblem, query: Float32Array, key: Float32Array): Reader<number> {
  const { layout, heads, kvHeads, queryLength, keyLength, headDim, scale, softcap } = problem;
  const queries = rowStrides(layout, heads, queryLength, headDim);
  const keys = rowStrides(layout, kvHeads, keyLength, headDim);
  return (b, h, i, j) => {
    const q = b * queries.batch + h * queries.head + i * queries.row;
    const k = b * keys.batch + Math.floor((h * kvHeads) / heads) * keys.head + j * keys.row;
    let sum = 0;
    for (let d = 0; d < headDim; d++) sum += query[q + d]! * key[k + d]!;
    return softcap === null ? scale * sum : softcap * Math.tanh((scale * sum) / softcap);
  };
}

type Reader<T> = (b: number, h: number, i: number, j: number) => T;

function excluder(
  problem: AttentionProblem,
  inputs: AttentionInputs<DeviceTensor>,
  mask: Reader<number>,
  bias: Reader<number>,
): Reader<boolean> {
  const { queryLength, keyLength } = problem;
  const excludedMask = problem.mask?.kind === 'boolean' ? 0 : -Infinity;
  const queries = idsOf(inputs.querySegments);
  const keys = idsOf(inputs.keySegments);
  return (b, h, i, j) =>
    (problem.mask !== null && mask(b, h, i, j) === excludedMask) ||
    bias(b, h, i, j) === -Infinity ||
    queries?.[b * queryLength + i] !== keys?.[b * keyLength + j];
}

function idsOf(tensor: DeviceTensor | undefined): Tensor['data'] | undefined {
  return (tensor as HostArray | undefined)?.data;
}

/** Returns whether the rows of a tensor are finite. `strides` count rows. */
export function finiteRows(
  data: Float32Array,
  strides: { readonly batch: number; readonly head: number; readonly row: number },
  depth: number,
  headGroup: number,
): (b: number, h: number, l: number) => boolean {
  const nonFinite = new Set<number>();
  data.forEach((number, index) => {
    if (!Number.isFinite(number)) nonFinite.add(Math.floor(index / depth));
  });
  return (b, h, l) =>
    !nonFinite.has(b * strides.batch + Math.floor(h / headGroup) * strides.head + l * strides.row);
}

function broadcastReader(
  shape: readonly [number, number, number, number] | undefined,
  data: Float32Array | undefined,
): Reader<number> {
  if (shape === undefined || data === undefined) return () => 0;
  const [batch, head, row, key] = broadcastStrides(shape);
  return (b, h, i, j) => data[b * batch + h * head + i * row + j * key]!;
}
