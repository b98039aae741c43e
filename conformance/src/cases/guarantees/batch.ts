import { type Tensor, tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import type { Values } from '../../judge/expectation.ts';
import { type Sketch, dOutputOf, lengthsOf, requestOf } from '../../sketch.ts';
import { guaranteed } from '../building/behavior.ts';
import { ensureSameBits, runAll } from '../building/run-all.ts';
import { VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const batchPurposes: Purposes = {
  batch: 'A row has the same bits alone and in a batch, beside other heads and without.',
  'batch/same-bits-in-every-place': 'A row has the same bits in every place of a larger batch.',
};

/** Indices `from` to `to` of an axis. An axis of length 1 is broadcast and stays. */
export function slice<T extends Tensor>(given: T, axis: number, from: number, to: number): T {
  const length = given.shape[axis]!;
  if (length === 1) return given;
  const inner = given.shape.slice(axis + 1).reduce((size, n) => size * n, 1);
  const data = given.data.filter((_, n) => {
    const index = Math.floor(n / inner) % length;
    return index >= from && index < to;
  });
  return { ...given, shape: given.shape.with(axis, to - from), data };
}

/** A mask with all four axes written out. */
function rank4({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape: [...Array<number>(4 - shape.length).fill(1), ...shape], data } as Tensor;
}

/** The part of a request that concerns some elements of the batch. */
function someBatches(request: CaseRequest, from: number, to: number): CaseRequest {
  const cut = (given: unknown): never => slice(given as Tensor, 0, from, to) as never;
  const { alignment, mask, bias } = request;
  const offset = typeof alignment === 'object' ? alignment.offset : null;
  return {
    ...request,
    query: cut(request.query),
    key: cut(request.key),
    value: cut(request.value),
    ...(mask && { mask: cut(rank4(mask as Tensor)) }),
    ...(bias && { bias: cut(rank4(bias as Tensor)) }),
    ...(Array.isArray(offset) && { alignment: { offset: offset.slice(from, to) } }),
    ...(request.keyLengths && { keyLengths: (request.keyLengths as number[]).slice(from, to) }),
    ...(request.keyStarts && { keyStarts: (request.keyStarts as number[]).slice(from, to) }),
    ...(request.queryLengths && { queryLengths: (request.queryLengths as number[]).slice(from, to) }),
    ...(request.querySegments && { querySegments: cut(request.querySegments) }),
    ...(request.keySegments && { keySegments: cut(request.keySegments) }),
  };
}

/** The part of a request that concerns one key/value head and the query heads that read it. */
function oneKeyHead(request: CaseRequest, kvHead: number, group: number, axis: number): CaseRequest {
  const heads = (given: unknown, at: number): never =>
    slice(given as Tensor, at, kvHead * group, (kvHead + 1) * group) as never;
  const kv = (given: unknown): never => slice(given as Tensor, axis, kvHead, kvHead + 1) as never;
  const { mask, bias, alibiSlopes, sinks } = request;
  return {
    ...request,
    query: heads(request.query, axis),
    key: kv(request.key),
    value: kv(request.value),
    ...(mask && { mask: heads(rank4(mask as Tensor), 1) }),
    ...(bias && { bias: heads(rank4(bias as Tensor), 1) }),
    ...(alibiSlopes && { alibiSlopes: heads(alibiSlopes, 0) }),
    ...(sinks && { sinks: heads(sinks, 0) }),
  };
}

/** Sums over the batch and over heads depend on both: those gradients stay out. */
function perRow(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => name !== 'dBias' && name !== 'dSinks'));
}

function alone(name: string, sketch: Sketch): BehaviorCase {
  return guaranteed('batch', name, sketch, async ({ backend }, id) => {
    const { batch, heads, kvHeads } = lengthsOf(sketch);
    const request = requestOf(sketch, id);
    const dOutput = dOutputOf(sketch, id);
    const together = perRow(await runAll(backend, request, dOutput));
    for (let b = 0; b < batch; b++) {
      const part = perRow(await runAll(backend, someBatches(request, b, b + 1), slice(dOutput, 0, b, b + 1)));
      const expected = Object.entries(together).map(([key, value]) => [key, slice(value, 0, b, b + 1)]);
      ensureSameBits(part, Object.fromEntries(expected), `element ${b} of the batch alone`);
    }
    const group = heads / kvHeads;
    const axis = sketch.layout === 'blhd' ? 2 : 1;
    for (let g = 0; g < kvHeads; g++) {
      const cut = (given: Tensor, at: number, size: number): Tensor =>
        slice(given, at, g * size, (g + 1) * size);
      const part = perRow(
        await runAll(backend, oneKeyHead(request, g, group, axis), cut(dOutput, axis, group)),
      );
      const expected = Object.entries(together).map(([key, value]) => {
        const size = key === 'dKey' || key === 'dValue' ? 1 : group;
        return [key, cut(value, value.shape.length === 4 && key !== 'weights' ? axis : 1, size)];
      });
      ensureSameBits(part, Object.fromEntries(expected), `the query heads of key/value head ${g} alone`);
    }
  });
}

/** The same row in every place of a larger batch gives the same bits. */
function everywhere(): BehaviorCase {
  return guaranteed('batch', 'same-bits-in-every-place', [], async ({ backend }, id) => {
    const one = requestOf({ batch: 1, heads: 1, queryLength: 9, keyLength: 35 }, id);
    const copies = (given: unknown, count: number): Tensor => {
      const { shape, data } = given as Tensor;
      const all = new Float32Array(data.length * count);
      for (let n = 0; n < count; n++) all.set(data, n * data.length);
      return tensor(all, [count, ...shape.slice(1)]);
    };
    const many = (count: number): CaseRequest => ({
      ...one,
      query: copies(one.query, count),
      key: copies(one.key, count),
      value: copies(one.value, count),
    });
    const dOutput = dOutputOf({ batch: 1, heads: 1, queryLength: 9 }, id);
    const single = await runAll(backend, one, dOutput);
    for (const count of [2, 3, 7]) {
      const values = await runAll(backend, many(count), copies(dOutput, count));
      for (let n = 0; n < count; n++) {
        const part = Object.entries(values).map(([key, value]) => [key, slice(value, 0, n, n + 1)]);
        ensureSameBits(Object.fromEntries(part), single, `copy ${n} of ${count}`);
      }
    }
  });
}

export function batchCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    'three-by-three': { batch: 3, heads: 3, queryLength: 5, keyLength: 9 },
    'across-heads-of-a-tile': { batch: 2, heads: 4, queryLength: 33, keyLength: 40 },
    'one-query-many-heads': { batch: 3, heads: 8, kvHeads: 2, queryLength: 1, keyLength: 37 },
    'offsets-per-batch': { causal: true, alignment: { offset: [3, -2] } },
    'uneven-starts': { batch: 3, keyStarts: [0, 6, 2], keyLengths: [7, 7, 4] },
    'uneven-lengths': { batch: 3, keyLengths: [7, 1, 4], queryLengths: [7, 7, 2] },
    argmax: { selection: 'argmax' },
    'float64-many-rows': { dtype: 'float64', batch: 1, queryLength: 65, keyLength: 3 },
    ...Object.fromEntries(Object.entries(VARIATIONS).filter(([name]) => name !== 'across-tiles')),
  };
  return [...Object.entries(sketches).map(([name, sketch]) => alone(name, sketch)), everywhere()];
}
