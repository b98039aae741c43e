import { type CacheType, type Tensor, attention, cast, quantize, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import wasm from '../index.ts';
import { AHEAD_NUMBERS } from '../plan/tiling.ts';

/*
 * Caches so large that they are read ahead, which those of the suite are not. Reading ahead changes no bit: keys in pages give the bits
 * of the same keys in a line, which are those of a part that is small enough not to be read ahead.
 */

const [HEADS, LENGTH, DEPTH] = [8, 4320, 64];

let state = 1;
const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
const numbers = (...shape: number[]): Tensor =>
  tensor(Float32Array.from({ length: shape.reduce((size, length) => size * length) }, random), shape);

interface Cache {
  readonly key: Tensor;
  readonly value: Tensor;
  readonly keyScales?: Tensor;
  readonly valueScales?: Tensor;
}

const mapped = (cache: Cache, change: (one: Tensor) => Tensor): Cache =>
  Object.fromEntries(Object.entries(cache).map(([name, one]) => [name, change(one)])) as never;

function stored(key: Tensor, value: Tensor, type: CacheType): Cache {
  if (type !== 'int8' && type !== 'int4x2') return { key: cast(key, type), value: cast(value, type) };
  const [keys, values] = [quantize(key, type, { group: 32 }), quantize(value, type, { group: 32 })];
  return { key: keys.numbers, value: values.numbers, keyScales: keys.scales, valueScales: values.scales };
}

/** The same in pages: `table[n]` is the n-th. */
function paged({ dtype, shape, data }: Tensor, size: number, table: Int32Array): Tensor {
  const [, heads, length, depth] = shape as [number, number, number, number];
  const pool = data.slice();
  for (let h = 0; h < heads; h++) {
    for (const [n, page] of table.entries()) {
      const from = (h * length + n * size) * depth;
      pool.set(data.subarray(from, from + size * depth) as never, (page * heads + h) * size * depth);
    }
  }
  return { dtype, shape: [length / size, heads, size, depth], data: pool } as Tensor;
}

/** The keys of one head of a cache in a line. */
function headOf({ dtype, shape, data }: Tensor, head: number): Tensor {
  const size = shape[2]! * shape[3]!;
  return {
    dtype,
    shape: [1, 1, shape[2]!, shape[3]!],
    data: data.slice(head * size, (head + 1) * size),
  } as Tensor;
}

const backend = await wasm.create({ threads: 1 });
const [key, value] = [numbers(1, HEADS, LENGTH, DEPTH), numbers(1, HEADS, LENGTH, DEPTH)];

test.for<[CacheType, number]>([
  ['float32', 1],
  ['float32', 2],
  ['float16', 1],
  ['bfloat16', 2],
  ['int8', 1],
  ['int8', 2],
  ['int4x2', 1],
])('%s, %i query heads for each head of keys: reading ahead changes no bit', async ([type, group]) => {
  expect(2 * HEADS * LENGTH * DEPTH).toBeGreaterThanOrEqual(AHEAD_NUMBERS);
  const query = numbers(1, group * HEADS, 1, DEPTH);
  const cache = stored(key, value, type);
  for (const range of [{}, { keyStarts: [37], keyLengths: [LENGTH - 5] }]) {
    const { output } = await attention(backend, { query, ...cache, ...range });
    for (const head of [0, HEADS - 1]) {
      const rows = query.data.slice(
        head * group * DEPTH,
        (head + 1) * group * DEPTH,
      ) as Float32Array<ArrayBuffer>;
      const own = {
        query: tensor(rows, [1, group, 1, DEPTH]),
        ...mapped(cache, (one) => headOf(one, head)),
        ...range,
      };
      const { output: part } = await attention(backend, own);
      expect(output.data.slice(head * group * DEPTH, (head + 1) * group * DEPTH)).toEqual(part.data);
    }
    for (const size of [5, 16, 80]) {
      const table = Int32Array.from(
        { length: LENGTH / size },
        (_, n, count = LENGTH / size) => count - 1 - n,
      );
      const inPages = await attention(backend, {
        query,
        ...mapped(cache, (one) => paged(one, size, table)),
        blockTable: tensor(table, [1, table.length]),
        ...range,
      });
      expect(inPages.output.data, `pages of ${size}`).toEqual(output.data);
    }
  }
});

test('pages that are not there are not read ahead', async () => {
  const size = 16;
  const count = LENGTH / size;
  const query = numbers(1, HEADS, 1, DEPTH);
  const reversed = Int32Array.from({ length: count }, (_, n) => count - 1 - n);
  const table = reversed.map((page, n) => (n % 3 === 2 ? -1 : page));
  const pools = { key: paged(key, size, reversed), value: paged(value, size, reversed) };
  const [some, masked] = await Promise.all([
    attention(backend, { query, ...pools, blockTable: tensor(table, [1, count]) }),
    attention(backend, {
      query,
      key,
      value,
      mask: {
        dtype: 'bool',
        shape: [1, 1, 1, LENGTH],
        data: Uint8Array.from({ length: LENGTH }, (_, j) => Number(Math.floor(j / size) % 3 !== 2)),
      },
    }),
  ]);
  expect(some.output.data).toEqual(masked.output.data);
});

test('rows of several heads that lie side by side are read ahead', async () => {
  const query = numbers(1, HEADS, 1, DEPTH);
  const sideBySide = ({ data }: Tensor): Tensor =>
    tensor(
      Float32Array.from({ length: data.length }, (_, n) => {
        const [j, h, d] = [Math.floor(n / DEPTH / HEADS), Math.floor(n / DEPTH) % HEADS, n % DEPTH];
        return Number(data[(h * LENGTH + j) * DEPTH + d]);
      }),
      [1, LENGTH, HEADS, DEPTH],
    );
  const [apart, beside] = await Promise.all([
    attention(backend, { query, key, value }),
    attention(backend, {
      layout: 'blhd',
      query: tensor(query.data as Float32Array<ArrayBuffer>, [1, 1, HEADS, DEPTH]),
      key: sideBySide(key),
      value: sideBySide(value),
    }),
  ]);
  expect(beside.output.data).toEqual(apart.output.data);
});
