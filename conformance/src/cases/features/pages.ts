import {
  type AttentionInputs,
  type CacheType,
  type HeedErrorCode,
  type Tensor,
  attention,
  resolveRequest,
} from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { agreements } from '../building/agreement.ts';
import { behavior, ensureError } from '../building/behavior.ts';
import { ensureSameBits, runAll, runAsAsked } from '../building/run-all.ts';
import type { Purposes } from '../building/purposes.ts';
import { ALL_OUTPUTS, variations } from '../building/cache-variations.ts';

export const pagesPurposes: Purposes = {
  pages: 'Keys and values are found through the block table.',
  'pages/size': 'Pages of every size hold the same keys, whole and in part.',
  'pages/holes': 'Keys whose page is −1 are not there.',
  'pages/common': 'Batch elements read a page that they share.',
  'pages/cache': 'Pages hold keys and values of every type.',
  'pages/same-bits-as-a-row': 'A row has the same bits over pages in any order as over one row of keys.',
  'pages/stale': 'What lies in pages of nobody, past lengths and before starts changes no bit.',
  'pages/other-tables': 'One kernel serves every block table.',
  'pages/resident': 'A pool that is resident is computed with, page by page.',
  'pages/mistake': 'A block table that is wrong is refused before anything is computed.',
};

export function pagesCases(): ConformanceCase[] {
  const one: Sketch = { batch: 1, queryLength: 1 };
  const sketches: Record<string, Sketch> = {};
  for (const [name, sketch] of Object.entries(variations('all', { pages: { size: 3 } }))) {
    sketches[name] = fitted(sketch);
  }
  for (const size of [1, 16, 17, 256]) {
    const keyLength = 2 * size + (size === 1 ? 3 : 0);
    const pages = { size };
    sketches[`size/${size}/plain`] = { pages, queryLength: 5, keyLength, outputs: ALL_OUTPUTS };
    sketches[`size/${size}/one-query`] = {
      ...one,
      pages,
      batch: 2,
      heads: 4,
      kvHeads: 2,
      keyLength,
      headDim: 32,
    };
    sketches[`size/${size}/ends-inside`] = { pages, queryLength: 2, keyLength, keyLengths: [size + 1, size] };
    sketches[`size/${size}/starts-inside`] = {
      pages,
      queryLength: 2,
      keyLength,
      keyStarts: [size - 1, size + 1],
    };
    sketches[`size/${size}/empty-sequence`] = {
      pages,
      queryLength: 2,
      keyLength,
      keyLengths: [0, keyLength],
    };
  }
  const holes = { size: 4, holes: true };
  const common = { size: 4, common: true };
  Object.assign(sketches, {
    'size/5/many-pages': { ...one, pages: { size: 5 }, keyLength: 700, headDim: 16 },
    'size/5/across-tiles': { pages: { size: 5 }, batch: 1, queryLength: 65, keyLength: 135, headDim: 4 },
    'holes/plain': { pages: holes, keyLength: 40, outputs: ALL_OUTPUTS },
    'holes/one-query': { pages: holes, queryLength: 1, keyLength: 200 },
    'holes/causal': { pages: holes, keyLength: 40, causal: true, alignment: 'bottomRight' },
    'holes/float-mask': { pages: holes, keyLength: 40, mask: { kind: 'float', shape: [7, 40] } },
    'holes/alibi-softcap': { pages: holes, keyLength: 40, alibi: true, softcap: 2, alignment: 'bottomRight' },
    'holes/argmax': { pages: holes, keyLength: 40, selection: 'argmax', outputs: ['output', 'choice'] },
    'holes/float16': { pages: holes, keyLength: 40, cacheType: 'float16' },
    'common/plain': { pages: common, batch: 3, keyLength: 24, outputs: ALL_OUTPUTS },
    'common/one-query': { pages: common, batch: 3, queryLength: 1, keyLength: 24 },
    'common/window': { pages: common, keyLength: 24, window: { left: 9 }, alignment: 'bottomRight' },
  } satisfies Record<string, Sketch>);
  for (const cacheType of ['float16', 'bfloat16', 'int8', 'int4x2'] satisfies CacheType[]) {
    const pages = { size: 16 };
    const cached: Sketch = { pages, cacheType, keyLength: 48, headDim: 64, keyLengths: [40, 7] };
    sketches[`cache/${cacheType}/plain`] = { ...cached, outputs: ALL_OUTPUTS };
    sketches[`cache/${cacheType}/one-query`] = { ...cached, heads: 4, kvHeads: 2, queryLength: 1 };
    sketches[`cache/${cacheType}/layout-blhd`] = { ...cached, heads: 4, kvHeads: 2, layout: 'blhd' };
  }
  sketches['cache/float16-problem'] = { dtype: 'float16', pages: { size: 16 }, keyLength: 48 };
  sketches['cache/float64-problem'] = { dtype: 'float64', pages: { size: 16 }, keyLength: 48 };
  return [
    ...agreements('pages', sketches),
    ...['float32', 'float16', 'int8'].map((cacheType) => sameBits(cacheType as CacheType)),
    ...['float32', 'float16'].map((cacheType) => stale(cacheType as CacheType)),
    otherTables(),
    resident(),
    ...mistakes(),
  ];
}

/** A variation of lengths that are not whole pages: what is as long as the keys becomes longer, too. */
function fitted(sketch: Sketch): Sketch {
  const { queryLength = 7, keyLength = queryLength, mask, bias, keyLengths } = sketch;
  const whole = Math.ceil(keyLength / 3) * 3;
  const longer = (shape: readonly number[]): number[] => [
    ...shape.slice(0, -1),
    shape.at(-1) === keyLength ? whole : shape.at(-1)!,
  ];
  return {
    ...sketch,
    queryLength,
    keyLength: whole,
    ...(sketch.alignment === undefined && { alignment: 'topLeft' as const }),
    ...(mask && { mask: { ...mask, shape: longer(mask.shape) } }),
    ...(bias && { bias: { ...bias, shape: longer(bias.shape) } }),
    ...(keyLengths && { keyLengths }),
  };
}

function sameBits(cacheType: CacheType): BehaviorCase {
  const sketch: Sketch = {
    cacheType,
    pages: { size: 16 },
    heads: 4,
    kvHeads: 2,
    queryLength: 3,
    keyLength: 160,
    keyLengths: [150, 33],
    causal: true,
    alignment: 'bottomRight',
  };
  const same = behavior('pages', `same-bits-as-a-row/${cacheType}`, sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const { blockTable: _, ...row } = { ...request, ...unpaged(request) };
    const dOutput = dOutputOf(sketch, id);
    // As asked: with a gradient, which pages do not have, a backend may sum in another order.
    const expected = await runAsAsked(backend, row, dOutput);
    ensureSameBits(await runAsAsked(backend, request, dOutput), expected, 'with keys in pages');
  });
  return { ...same, guarantee: 'batch' };
}

/** Keys, values and scales `[B, Hkv, Lk, D]` of a request in layout `bhld`. */
function unpaged(request: CaseRequest): Partial<CaseRequest> {
  const table = request.blockTable!;
  const [batch, columns] = table.shape as [number, number];
  const rowOf = ({ dtype, shape, data }: Tensor): Tensor => {
    const [, heads, size, depth] = shape as [number, number, number, number];
    const all = zeros(dtype, [batch * heads * columns * size * depth]).data;
    for (let b = 0; b < batch; b++) {
      for (let h = 0; h < heads; h++) {
        for (let column = 0; column < columns; column++) {
          const from = (table.data[b * columns + column]! * heads + h) * size * depth;
          const to = ((b * heads + h) * columns + column) * size * depth;
          all.set(data.subarray(from, from + size * depth), to);
        }
      }
    }
    return { dtype, shape: [batch, heads, columns * size, depth], data: all } as Tensor;
  };
  const { key, value, keyScales, valueScales } = request;
  return {
    key: rowOf(key),
    value: rowOf(value),
    ...(keyScales && { keyScales: rowOf(keyScales) }),
    ...(valueScales && { valueScales: rowOf(valueScales) }),
  };
}

/** The sketch leaves NaN in pages of nobody; here zeros and large numbers take its place, and that of unread rows. */
function stale(cacheType: CacheType): BehaviorCase {
  const sketch: Sketch = {
    cacheType,
    pages: { size: 4, holes: true },
    queryLength: 3,
    keyLength: 40,
    keyLengths: [30, 9],
    keyStarts: [5, 2],
  };
  const spoiled = behavior('pages', `stale/${cacheType}`, sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const dOutput = dOutputOf(sketch, id);
    const table = request.blockTable!.data;
    const read = new Set<number>();
    for (const [b, [start, end]] of [
      [0, [5, 30]],
      [1, [2, 9]],
    ] as const) {
      for (let j = start; j < end; j++) {
        const page = table[b * 10 + Math.floor(j / 4)]!;
        if (page !== -1) read.add(4 * page + (j % 4));
      }
    }
    const clean = await runAll(backend, request, dOutput);
    for (const stuff of [
      0,
      cacheType === 'float32' ? 3e38 : 0x7bff,
      cacheType === 'float32' ? NaN : 0xffff,
    ]) {
      const spoil = (tensor: Tensor): Tensor => {
        const [, heads, size, depth] = tensor.shape as [number, number, number, number];
        const data = tensor.data.map((number, n) => {
          const page = Math.floor(n / (heads * size * depth));
          return read.has(4 * page + (Math.floor(n / depth) % size)) ? number : stuff;
        });
        return { ...tensor, data } as Tensor;
      };
      const dirty = { ...request, key: spoil(request.key), value: spoil(request.value) };
      ensureSameBits(
        await runAll(backend, dirty, dOutput),
        clean,
        `with ${stuff} in every row that is not read`,
      );
    }
  });
  return { ...spoiled, guarantee: 'padding' };
}

function otherTables(): BehaviorCase {
  const sketch: Sketch = { pages: { size: 4 }, queryLength: 2, keyLength: 12 };
  return behavior('pages', 'other-tables', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const { problem } = resolveRequest(request);
    await using kernel = await backend.compile(problem);
    const own = [...request.blockTable!.data];
    const swapped = [...own.slice(3), ...own.slice(0, 3)];
    for (const table of [
      own,
      swapped,
      own.with(4, -1),
      Array<number>(6).fill(own[0]!),
      Array<number>(6).fill(-1),
    ]) {
      const other: CaseRequest = {
        ...request,
        blockTable: { dtype: 'int32', shape: [2, 3], data: Int32Array.from(table) },
      };
      const { inputs } = resolveRequest(other);
      ensureAgrees(other, await kernel.run(inputs), `with the block table ${table.join(' ')}`);
    }
  });
}

function resident(): BehaviorCase {
  const sketch: Sketch = { pages: { size: 4 }, queryLength: 2, keyLength: 12 };
  return behavior('pages', 'resident', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const key = await backend.upload(request.key);
    const value = await backend.allocate('float32', request.value.shape);
    await value.write(request.value, { axis: 0, start: 0 });
    const { problem, inputs } = resolveRequest({ ...request, key, value } as never);
    await using kernel = await backend.compile(problem);
    ensureAgrees(request, await kernel.run(inputs), 'with a resident pool');
    key.dispose();
    value.dispose();
  });
}

function mistakes(): ConformanceCase[] {
  const sketch: Sketch = { pages: { size: 4 }, queryLength: 2, keyLength: 12 };
  const table = (numbers: readonly number[], shape: readonly number[] = [2, 3]): Tensor => ({
    dtype: 'int32',
    shape,
    data: Int32Array.from(numbers),
  });
  const wrong: Record<string, readonly [HeedErrorCode, object]> = {
    'page-below-minus-1': ['ARGUMENT', { blockTable: table([0, 1, 2, 3, -2, 4]) }],
    'page-past-the-pool': ['ARGUMENT', { blockTable: table([0, 1, 2, 3, 8, 4]) }],
    'row-for-one': ['SHAPE', { blockTable: table([0, 1, 2], [1, 3]) }],
    'table-of-floats': [
      'DTYPE',
      { blockTable: { dtype: 'float32', shape: [2, 3], data: new Float32Array(6) } },
    ],
    'table-of-rank-1': ['SHAPE', { blockTable: table([0, 1, 2, 3, 4, 5], [6]) }],
    'length-past-the-pages': ['ARGUMENT', { keyLengths: [13, 2] }],
    gradient: ['NOT_DIFFERENTIABLE', { gradient: true }],
  };
  return [
    ...Object.entries(wrong).map(([name, [code, more]]) =>
      behavior('pages', `mistake/${name}`, [], async ({ backend }, id) => {
        const request = { ...requestOf(sketch, id), ...more } as CaseRequest & { gradient?: false };
        await ensureError(() => attention(backend, request), code, name);
      }),
    ),
    behavior('pages', 'mistake/run', sketch, async ({ backend }, id) => {
      const request = requestOf(sketch, id);
      const { problem, inputs } = resolveRequest(request);
      await using kernel = await backend.compile(problem);
      const run = (blockTable: unknown) => (): unknown =>
        kernel.run({ ...inputs, blockTable } as AttentionInputs);
      await ensureError(run(undefined), 'MISSING_INPUT', 'a run without its block table');
      await ensureError(run(table([0, 1, 2, 3, 4, 99])), 'ARGUMENT', 'a page that is not there');
      await ensureError(run(table([0, 1, 2, 3], [2, 2])), 'SHAPE', 'a block table of two columns');
      const uploaded = await backend.upload(inputs.blockTable!);
      await ensureError(run(uploaded), 'ARGUMENT', 'a resident block table');
      uploaded.dispose();
      ensureAgrees(request, await kernel.run(inputs), 'after four mistakes');
    }),
  ];
}
