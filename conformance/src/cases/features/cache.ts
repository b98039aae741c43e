import { type HalfDType, type Tensor, attention, cast, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf, lengthsOf, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { agreement, agreements } from '../building/agreement.ts';
import { behavior, ensureError, guaranteed } from '../building/behavior.ts';
import { ensureSameBits, runAll } from '../building/run-all.ts';
import { ALL_OUTPUTS, variations } from '../building/cache-variations.ts';
import type { Purposes } from '../building/purposes.ts';
import { QUANTIZED_PURPOSES, quantizedCases } from './quantized.ts';

const TYPES: readonly HalfDType[] = ['float16', 'bfloat16'];

export const cachePurposes: Purposes = {
  cache: 'Keys and values are read as they are stored.',
  'cache/float16': 'Keys and values of float16 are widened exactly; the output has the type of the query.',
  'cache/bfloat16': 'Keys and values of bfloat16 are widened exactly; the output has the type of the query.',
  'cache/float16/gradient': 'dKey and dValue are rounded once, to the type of keys and values.',
  'cache/bfloat16/gradient': 'dKey and dValue are rounded once, to the type of keys and values.',
  'cache/float16/resident':
    'A cache of float16 is allocated, written row by row and computed with beside float32.',
  'cache/bfloat16/resident':
    'A cache of bfloat16 is allocated, written row by row and computed with beside float32.',
  'cache/float16/padding': 'NaN in keys past the length changes no bit.',
  'cache/bfloat16/padding': 'NaN in keys past the length changes no bit.',
  'cache/bfloat16-of-float16': 'A problem of float16 reads a cache of bfloat16, and the reverse.',
  'cache/float16-of-bfloat16': 'A problem of float16 reads a cache of bfloat16, and the reverse.',
  ...QUANTIZED_PURPOSES,
  'cache/shared': 'Every element of the batch reads keys and values of batch 1.',
  'cache/shared/gradient': 'dKey and dValue of shared keys are summed over the batch.',
  'cache/shared/same-bits-as-copies': 'A row has the same bits with shared keys as with a copy of its own.',
  'cache/shared/resident': 'A prefix that is resident once serves batches of several sizes.',
  'cache/shared/float16': 'Keys and values are shared by the batch and of a smaller type.',
  'cache/mistake': 'Keys and values of unlike types or batches are refused before anything is computed.',
};

export function cacheCases(): ConformanceCase[] {
  return [...TYPES.flatMap(halfCache), ...quantizedCases(), ...sharedCases(), ...mistakes()];
}

function halfCache(cacheType: HalfDType): ConformanceCase[] {
  const other: HalfDType = cacheType === 'float16' ? 'bfloat16' : 'float16';
  const long: Sketch = { batch: 1, queryLength: 1, cacheType };
  const sketches: Record<string, Sketch> = {
    ...variations(cacheType, { cacheType }),
    [`${cacheType}/many-keys`]: { ...long, queryLength: 3, keyLength: 1500, spread: 0.2 },
    // Decoding: groups of query heads that read one key/value head, and none.
    [`${cacheType}/one-query-many-keys`]: { ...long, heads: 4, keyLength: 1027, headDim: 64 },
    [`${cacheType}/one-query-many-keys-gqa`]: { ...long, heads: 7, kvHeads: 1, keyLength: 1027, headDim: 33 },
    [`${cacheType}/argmax`]: { cacheType, keyLength: 40, selection: 'argmax', outputs: ['output', 'choice'] },
    [`${cacheType}/sample`]: {
      cacheType,
      keyLength: 40,
      selection: 'sample',
      seed: 12,
      outputs: ['output', 'weights', 'choice'],
    },
    [`${cacheType}-of-${other}/plain`]: { dtype: other, cacheType, outputs: ALL_OUTPUTS },
    [`${cacheType}-of-${other}/one-query`]: { dtype: other, cacheType, queryLength: 1, keyLength: 70 },
    [`${cacheType}-of-${other}/gradient`]: { dtype: other, cacheType, gradient: true },
    [`${cacheType}-of-${other}/argmax`]: { dtype: other, cacheType, keyLength: 40, selection: 'argmax' },
  };
  const small: Sketch = { cacheType, queryLength: 5, keyLength: 9 };
  return [
    ...agreements('cache', sketches),
    // Products of numbers near the largest float16: scores of 1e9, which only float32 holds.
    agreement('cache', `${cacheType}/large-numbers`, small, (request) => ({
      ...request,
      key: scaled(request.key, 12_000),
      value: scaled(request.value, 12_000),
    })),
    agreement('cache', `${cacheType}/subnormal`, small, (request) => ({
      ...request,
      key: scaled(request.key, 2 ** -17),
      query: scaled(request.query, 2 ** 17),
    })),
    ...[1, 7].map((queryLength) => padded(`${cacheType}/padding/${queryLength}`, { ...small, queryLength })),
    resident(cacheType, small),
  ];
}

/** Bits of NaN in the keys and values past the length. */
function padded(name: string, sketch: Sketch): BehaviorCase {
  const cut: Sketch = { ...sketch, keyLength: 70, keyLengths: [66, 3] };
  return {
    ...behavior('cache', name, cut, async ({ backend }, id) => {
      const request = requestOf(cut, id);
      const dOutput = dOutputOf(cut, id);
      const spoiled = {
        ...request,
        key: pastLengths(request.key, [66, 3]),
        value: pastLengths(request.value, [66, 3]),
      };
      ensureSameBits(
        await runAll(backend, spoiled, dOutput),
        await runAll(backend, request, dOutput),
        'with NaN in every key and value past the length',
      );
    }),
    guarantee: 'padding',
  };
}

/** NaN in the rows of `[B, H, L, D]` from the lengths on. */
function pastLengths({ dtype, shape, data }: Tensor, lengths: readonly number[]): Tensor {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  const spoiled = data.slice();
  for (let head = 0; head < batch * heads; head++) {
    const end = (head + 1) * length * depth;
    spoiled.fill(0xffff, end - (length - lengths[Math.floor(head / heads)]!) * depth, end);
  }
  return { dtype, shape, data: spoiled } as Tensor;
}

function resident(cacheType: HalfDType, sketch: Sketch): BehaviorCase {
  return behavior('cache', `${cacheType}/resident`, sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const key = await backend.allocate(cacheType, request.key.shape);
    const value = await backend.allocate(cacheType, request.value.shape);
    for (let start = 0; start < lengthsOf(sketch).keyLength; start += 3) {
      await key.write(rowsFrom(request.key, start, 3), { axis: 2, start });
      await value.write(rowsFrom(request.value, start, 3), { axis: 2, start });
    }
    const { problem, inputs } = resolveRequest({ ...request, key, value } as never);
    await using kernel = await backend.compile(problem);
    ensureAgrees(request, await kernel.run(inputs), `key and value of ${cacheType} are resident`);
    key.dispose();
    value.dispose();
  });
}

function rowsFrom({ dtype, shape, data }: Tensor, start: number, count: number): Tensor {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  const rows = Array.from({ length: batch * heads }, (_, head) => {
    const from = (head * length + start) * depth;
    return [...data.subarray(from, from + count * depth)];
  });
  return { dtype, shape: [batch, heads, count, depth], data: Uint16Array.from(rows.flat()) } as Tensor;
}

function scaled(tensor: Tensor, factor: number): Tensor {
  const { shape, data } = cast(tensor, 'float64');
  const numbers = data.map((number) => number * factor);
  return cast({ dtype: 'float64', shape, data: numbers }, tensor.dtype as HalfDType);
}

function sharedCases(): ConformanceCase[] {
  const shared = { shared: true } as const;
  const sketches: Record<string, Sketch> = {
    ...variations('shared', shared),
    'shared/five': { ...shared, batch: 5, heads: 3, keyLength: 12 },
    'shared/one-query-many-keys': {
      ...shared,
      batch: 4,
      heads: 4,
      queryLength: 1,
      keyLength: 300,
      headDim: 16,
    },
    'shared/argmax': { ...shared, selection: 'argmax', outputs: ['output', 'weights', 'choice'] },
    'shared/float16/plain': { ...shared, cacheType: 'float16', outputs: ALL_OUTPUTS },
    'shared/float16/one-query': { ...shared, cacheType: 'float16', queryLength: 1, keyLength: 70 },
    'shared/float16/gradient': { ...shared, cacheType: 'float16', gradient: true },
  };
  // A batch of 1 shares nothing: its variations say nothing about sharing.
  for (const sketch of Object.values(sketches)) if (sketch.batch === 1) Object.assign(sketch, { batch: 2 });
  const bits: Record<string, Sketch> = {
    plain: { ...shared, batch: 3 },
    'one-query': { ...shared, batch: 3, heads: 4, kvHeads: 2, queryLength: 1, keyLength: 70 },
    lengths: { ...shared, keyLengths: [4, 7], queryLengths: [7, 3], causal: true, alignment: 'bottomRight' },
    'layout-blhd': { ...shared, layout: 'blhd', heads: 4, kvHeads: 2 },
  };
  return [
    ...agreements('cache', sketches),
    ...Object.entries(bits).map(([name, sketch]) => sameBits(`shared/same-bits-as-copies/${name}`, sketch)),
    prefixes(),
  ];
}

function sameBits(name: string, sketch: Sketch): BehaviorCase {
  return {
    ...guaranteed('batch', name, sketch, async ({ backend }, id) => {
      const request = requestOf(sketch, id);
      const { batch } = lengthsOf(sketch);
      const copies = { ...request, key: repeated(request.key, batch), value: repeated(request.value, batch) };
      const dOutput = dOutputOf(sketch, id);
      const { dKey: _, dValue: __, ...own } = await runAll(backend, copies, dOutput);
      const { dKey: ___, dValue: ____, ...together } = await runAll(backend, request, dOutput);
      ensureSameBits(together, own, 'with keys and values that the batch shares');
    }),
    id: `cache/${name}`,
    clause: 'cache',
  };
}

function repeated({ dtype, shape, data }: Tensor, batch: number): Tensor {
  const all = Float32Array.from({ length: batch * data.length }, (_, n) => data[n % data.length]!);
  return { dtype, shape: [batch, ...shape.slice(1)], data: all } as Tensor;
}

function prefixes(): BehaviorCase {
  const sketch: Sketch = { shared: true, batch: 1, queryLength: 2, keyLength: 9 };
  return behavior('cache', 'shared/resident', ['cache.shared'], async ({ backend }, id) => {
    const { key, value } = requestOf(sketch, id);
    const prefix = { key: await backend.upload(key), value: await backend.upload(value) };
    for (const batch of [1, 4, 2]) {
      const request: CaseRequest = requestOf({ ...sketch, batch }, `${id}/${batch}`);
      const { problem, inputs } = resolveRequest({ ...request, ...prefix } as never);
      await using kernel = await backend.compile(problem);
      ensureAgrees({ ...request, key, value }, await kernel.run(inputs), `a batch of ${batch} on one prefix`);
    }
    prefix.key.dispose();
    prefix.value.dispose();
  });
}

function mistakes(): ConformanceCase[] {
  const plain: Sketch = { queryLength: 5, keyLength: 9 };
  const half: Sketch = { ...plain, cacheType: 'float16' };
  const three = requestOf({ ...plain, batch: 3 }, 'three');
  const one = requestOf({ ...plain, shared: true }, 'one');
  const wrong: Record<string, readonly [Sketch, (request: CaseRequest) => object, 'DTYPE' | 'SHAPE']> = {
    'value-of-another-type': [half, (r) => ({ ...r, value: cast(r.value, 'float32') }), 'DTYPE'],
    'value-of-the-other-half': [half, (r) => ({ ...r, value: cast(r.value, 'bfloat16') }), 'DTYPE'],
    'wider-than-the-query': [plain, (r) => ({ ...r, key: cast(r.key, 'float64') }), 'DTYPE'],
    'float16-beside-float64': [half, (r) => ({ ...r, query: cast(r.query, 'float64') }), 'DTYPE'],
    'batch-of-three': [plain, (r) => ({ ...r, key: three.key, value: three.value }), 'SHAPE'],
    'value-of-each-element': [plain, (r) => ({ ...r, key: one.key }), 'SHAPE'],
    'key-of-each-element': [plain, (r) => ({ ...r, value: one.value }), 'SHAPE'],
  };
  return Object.entries(wrong).map(([name, [sketch, change, code]]) =>
    behavior('cache', `mistake/${name}`, [], async ({ backend }, id) => {
      const request = change(requestOf(sketch, id)) as CaseRequest & { gradient?: false };
      await ensureError(() => attention(backend, request), code, name);
    }),
  );
}
