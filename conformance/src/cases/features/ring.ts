import { type AttentionInputs, type HeedErrorCode, type Tensor, attention, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { agreements } from '../building/agreement.ts';
import { behavior, ensureError } from '../building/behavior.ts';
import { ensureSameBits, runAll } from '../building/run-all.ts';
import { ALL_OUTPUTS } from '../building/cache-variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const ringPurposes: Purposes = {
  ring: 'Key j lies at j mod capacity; the last keys before the length exist, at their own positions.',
  'ring/round': 'A ring that has gone round holds its last keys, whose positions count on.',
  'ring/columns': 'Masks, biases, segments and weights have the column of a key where it lies.',
  'ring/cache': 'A ring holds keys and values of every type, and of a whole batch.',
  'ring/decoding': 'One kernel decodes on a ring past its capacity, step by step.',
  'ring/padding': 'NaN in rows that hold no key that is read changes no bit.',
  'ring/mistake': 'A ring that cannot be is refused before anything is computed.',
};

const RING: Sketch = { ring: true, queryLength: 3, keyLength: 12 };

export function ringCases(): ConformanceCase[] {
  const round: Sketch = { ...RING, keyLengths: [29, 14] };
  const aligned: Sketch = { ...round, alignment: 'bottomRight' };
  const sketches: Record<string, Sketch> = {
    'not-full': { ...RING, keyLengths: [5, 0] },
    'just-full': { ...RING, keyLengths: [12, 11] },
    'round/plain': { ...round, outputs: ALL_OUTPUTS },
    'round/one-query': { ...round, queryLength: 1, heads: 4, kvHeads: 2 },
    'round/many-times': { ...RING, keyLengths: [2 ** 24 + 5, 1_000_003] },
    'round/capacity-1': { ...RING, keyLength: 1, keyLengths: [7, 1] },
    'round/capacity-0': { ...RING, keyLength: 0, keyLengths: [7, 0], outputs: ALL_OUTPUTS },
    'round/causal': { ...aligned, causal: true, outputs: ALL_OUTPUTS },
    'round/window': { ...aligned, causal: true, window: { left: 5 } },
    'round/window-wider-than-the-ring': { ...aligned, causal: true, window: { left: 40 } },
    'round/alibi': { ...aligned, alibi: true },
    'round/offsets': { ...round, causal: true, alignment: { offset: [26, 11] } },
    'round/key-starts': { ...round, keyStarts: [20, 13] },
    'round/start-before-the-oldest': { ...round, keyStarts: [2, 0] },
    'round/start-past-the-length': { ...round, keyStarts: [40, 3] },
    'round/layout-blhd': { ...round, layout: 'blhd', heads: 4, kvHeads: 2 },
    'round/across-tiles': {
      ring: true,
      batch: 1,
      queryLength: 65,
      keyLength: 150,
      keyLengths: [371],
      headDim: 4,
    },
    'round/many-keys': {
      ring: true,
      queryLength: 1,
      keyLength: 300,
      keyLengths: [777, 301],
      outputs: ALL_OUTPUTS,
    },
    // Many times the tiles of any backend; key starts leave a gap in the middle of the rows.
    'round/gap-across-tiles': {
      ring: true,
      batch: 1,
      queryLength: 1,
      keyLength: 1700,
      keyLengths: [4000],
      keyStarts: [3300],
      headDim: 4,
      outputs: ALL_OUTPUTS,
    },
    'round/window-across-tiles': {
      ring: true,
      batch: 1,
      queryLength: 9,
      keyLength: 1100,
      keyLengths: [2700],
      alignment: 'bottomRight',
      window: { left: 520, right: 3 },
      alibi: true,
      headDim: 4,
      outputs: ALL_OUTPUTS,
    },
    'round/softcap-sinks': { ...round, softcap: 2, sinks: true, outputs: ALL_OUTPUTS },
    'round/argmax': { ...round, selection: 'argmax', outputs: ['output', 'weights', 'choice'] },
    // All scores are 0: the oldest key wins, which lies in the middle of the rows.
    'round/argmax-ties': {
      ...round,
      selection: 'argmax',
      scale: 0,
      outputs: ['output', 'weights', 'choice'],
    },
    'round/sample': { ...round, selection: 'sample', seed: 5, outputs: ['output', 'weights', 'choice'] },
    'columns/boolean-mask': {
      ...round,
      mask: { kind: 'boolean', shape: [2, 1, 3, 12] },
      outputs: ALL_OUTPUTS,
    },
    'columns/boolean-mask-of-few': { ...round, mask: { kind: 'boolean', shape: [12], density: 0.1 } },
    'columns/float-mask': { ...round, mask: { kind: 'float', shape: [3, 12] }, outputs: ALL_OUTPUTS },
    'columns/bias': { ...round, bias: { shape: [2, 1, 12], excluded: 0.3 } },
    'columns/segments': { ...round, segments: 'scattered' },
    'cache/float16': { ...round, cacheType: 'float16' },
    'cache/bfloat16': { ...round, cacheType: 'bfloat16', queryLength: 1 },
    'cache/int8': { ...round, cacheType: 'int8', headDim: 64 },
    'cache/int4x2': { ...round, cacheType: 'int4x2', headDim: 64 },
    'cache/shared': { ...round, shared: true },
    'cache/float64': { ...round, dtype: 'float64' },
    'cache/float16-problem': { ...round, dtype: 'float16' },
  };
  return [...agreements('ring', sketches), decoding(), padded(), ...mistakes()];
}

/** Writes one row a step, in turn, and compares with the reference over the whole history. */
function decoding(): BehaviorCase {
  const sketch: Sketch = { ring: true, batch: 1, queryLength: 1, keyLength: 4, keyLengths: [0] };
  return behavior('ring', 'decoding', sketch, async ({ backend }, id) => {
    const capacity = 4;
    const key = await backend.allocate('float32', [1, 2, capacity, 8]);
    const value = await backend.allocate('float32', [1, 2, capacity, 8]);
    const first = requestOf(sketch, id);
    const { problem } = resolveRequest({ ...first, key, value } as never);
    await using kernel = await backend.compile(problem);
    const rows: CaseRequest[] = [];
    for (let step = 0; step < 11; step++) {
      const row = requestOf({ batch: 1, queryLength: 1, keyLength: 1 }, `${id}/${step}`);
      rows.push(row);
      await key.write(row.key, { axis: 2, start: step % capacity });
      await value.write(row.value, { axis: 2, start: step % capacity });
      const { inputs } = resolveRequest({
        ...first,
        query: row.query,
        key,
        value,
        keyLengths: [step + 1],
      } as never);
      const kept = rows.slice(-capacity);
      const history = {
        query: row.query,
        key: joined(kept.map((one) => one.key)),
        value: joined(kept.map((one) => one.value)),
      };
      ensureAgrees(history, await kernel.run(inputs), `with ${step + 1} keys in a ring of ${capacity}`);
    }
    key.dispose();
    value.dispose();
  });
}

/** Rows `[1, 2, 1, 8]` as `[1, 2, n, 8]`. */
function joined(rows: readonly Tensor[]): Tensor {
  const data = new Float32Array(rows.length * 16);
  rows.forEach((row, n) => {
    for (let h = 0; h < 2; h++) data.set(row.data.subarray(h * 8, h * 8 + 8), (h * rows.length + n) * 8);
  });
  return { dtype: 'float32', shape: [1, 2, rows.length, 8], data };
}

function padded(): BehaviorCase {
  const sketch: Sketch = { ...RING, keyLengths: [29, 5], keyStarts: [22, 1] };
  const spoiled = behavior('ring', 'padding', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const dOutput = dOutputOf(sketch, id);
    // Keys 22 to 28 lie at 10, 11, 0 to 4; keys 1 to 4 at themselves.
    const read = [new Set([10, 11, 0, 1, 2, 3, 4]), new Set([1, 2, 3, 4])];
    const spoil = (tensor: Tensor): Tensor => {
      const data = tensor.data.map((number, n) => {
        const place = Math.floor(n / 8) % 12;
        return read[Math.floor(n / (2 * 12 * 8))]!.has(place) ? number : NaN;
      });
      return { ...tensor, data } as Tensor;
    };
    const dirty = { ...request, key: spoil(request.key), value: spoil(request.value) };
    ensureSameBits(
      await runAll(backend, dirty, dOutput),
      await runAll(backend, request, dOutput),
      'with NaN in every row of the ring that is not read',
    );
  });
  return { ...spoiled, guarantee: 'padding' };
}

function mistakes(): ConformanceCase[] {
  const table: Tensor = { dtype: 'int32', shape: [2, 1], data: Int32Array.of(0, 1) };
  const wrong: Record<string, readonly [HeedErrorCode, object]> = {
    'no-key-lengths': ['ARGUMENT', { keyLengths: undefined }],
    'negative-length': ['ARGUMENT', { keyLengths: [-1, 4] }],
    pages: ['ARGUMENT', { blockTable: table }],
    'not-a-flag': ['ARGUMENT', { ring: 12 }],
    gradient: ['NOT_DIFFERENTIABLE', { gradient: true }],
  };
  const sketch: Sketch = { ...RING, keyLengths: [29, 5] };
  return [
    ...Object.entries(wrong).map(([name, [code, more]]) =>
      behavior('ring', `mistake/${name}`, [], async ({ backend }, id) => {
        const request = { ...requestOf(sketch, id), ...more } as CaseRequest & { gradient?: false };
        await ensureError(() => attention(backend, request), code, name);
      }),
    ),
    behavior('ring', 'mistake/run', sketch, async ({ backend }, id) => {
      const request = requestOf(sketch, id);
      const { problem, inputs } = resolveRequest(request);
      await using kernel = await backend.compile(problem);
      const run = (): unknown =>
        kernel.run({ ...inputs, keyLengths: undefined } as unknown as AttentionInputs);
      await ensureError(run, 'MISSING_INPUT', 'a run of a ring without key lengths');
      ensureAgrees(request, await kernel.run(inputs), 'after a mistake');
    }),
  ];
}
