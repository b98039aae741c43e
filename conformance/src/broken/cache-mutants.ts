import { type AttentionInputs, type AttentionProblem, type Tensor, cast, tensor } from '@heed/core';
import { integerAt, isHalf } from '@heed/core/backend';
import type { Mutant } from './mutant.ts';
import { STEPS, type Steps } from './steps.ts';

type Inputs = AttentionInputs<Tensor>;

/** One step of the arithmetic is wrong. */
function step(steps: Partial<Steps>, clause = 'cache'): Mutant {
  return { clause, overrides: { steps } };
}

/** Computes with other inputs than the given ones, forward. */
function instead(other: (inputs: Inputs, problem: AttentionProblem) => Partial<Inputs>): Mutant {
  return {
    clause: 'cache',
    overrides: {
      kernel: (right, problem) => ({
        ...right,
        run: (inputs, options) => right.run({ ...inputs, ...other(inputs, problem) }, options),
      }),
    },
  };
}

/** Keys and values of one 16-bit type under the name of the other. */
function renamed({ shape, data }: Tensor): Tensor {
  return { dtype: 'float16', shape, data: data as Uint16Array };
}

/** Backends that are wrong about how keys and values are stored, by what is wrong with them. */
export const CACHE_MUTANTS: Readonly<Record<string, Mutant>> = {
  'a cache of bfloat16 read as float16': instead(({ key, value }, { cacheType }) =>
    cacheType === 'bfloat16' ? { key: renamed(key), value: renamed(value) } : {},
  ),
  'the query rounded to the type of the cache': instead(({ query }, { dtype, cacheType }) =>
    isHalf(cacheType) ? { query: cast(cast(query, cacheType), dtype) } : {},
  ),
  'int8 without its sign': step({
    integer: (stored, n) => (stored.dtype === 'int8' ? stored.data[n]! & 255 : integerAt(stored, n)),
  }),
  'int8 that ends at −127': step({ integer: (stored, n) => Math.max(-127, integerAt(stored, n)) }),
  'halves of a byte exchanged': step({
    integer: (stored, n) => integerAt(stored, stored.dtype === 'int4x2' ? n ^ 1 : n),
  }),
  '4 bits with a bias of 8': step({
    integer: (stored, n) =>
      stored.dtype === 'int4x2' ? (integerAt(stored, n) & 15) - 8 : integerAt(stored, n),
  }),
  'the scale ignored': step({ scaleAt: () => 1 / 64 }),
  'the first scale of a row for all of it': step({
    scaleAt: (scales, n, group, depth) => scales[(n - (n % depth)) / group]!,
  }),
  'the scale of the next group': step({
    scaleAt: (scales, n, group) => scales[Math.min(scales.length - 1, Math.floor((n + 1) / group))]!,
  }),
  'scales rounded to float16': step({
    scaleAt: (scales, n, group) =>
      cast(
        cast(tensor(scales.slice(Math.floor(n / group), Math.floor(n / group) + 1), [1]), 'float16'),
        'float32',
      ).data[0]!,
  }),
  'a page of −1 read as page 0': step(
    { pageExists: () => true, page: (...given) => Math.max(0, STEPS.page(...given)) },
    'pages',
  ),
  'keys of a page of −1 as zeros': step({ pageExists: () => true }, 'pages'),
  'the pages of the first element': step({ page: (table, _, __, column) => table[column]! }, 'pages'),
  'pages in the order of the pool': step(
    { page: (table, b, columns, column) => (table[b * columns + column] === -1 ? -1 : b * columns + column) },
    'pages',
  ),
  'the last row of a page read twice': step(
    { placeInPage: (j, size) => (j % size === 0 ? 0 : size - (j % size)) },
    'pages',
  ),
  'a ring that begins one row late': step({ placeInRing: (j, capacity) => (j + 1) % capacity }, 'ring'),
  'a ring that keeps one key less': step(
    { oldestInRing: (length, capacity) => Math.max(0, length - capacity + 1) },
    'ring',
  ),
  'a ring whose positions begin anew': step(
    {
      score: (t) => STEPS.score({ ...t, position: t.position % 12 }),
      windowLeft: (key, position, left, i) => STEPS.windowLeft(key % 12, position % 12, left, i),
    },
    'ring',
  ),
  'values from the beginning of keys': step({ valueStart: () => 0 }, 'valueFromKey'),
  'origin ignored': step({ origin: () => ({ batch: 0, head: 0, query: 0, key: 0 }) }, 'origin'),
  'origin of keys alone': step(
    { origin: (origin) => ({ batch: 0, head: 0, query: 0, key: origin?.key ?? 0 }) },
    'origin',
  ),
  'shared keys of each element': step({ kvBatch: (b) => b }),
  'the gradient of shared keys of the first element alone': {
    clause: 'cache',
    overrides: {
      kernel: (right, problem) => ({
        ...right,
        gradient(inputs, forward, options) {
          if (problem.kvBatch === problem.batch) return right.gradient!(inputs, forward, options);
          const { dOutput } = forward;
          const data = dOutput.data.slice().fill(0, dOutput.data.length / problem.batch);
          return right.gradient!(inputs, { ...forward, dOutput: { ...dOutput, data } as Tensor }, options);
        },
      }),
    },
  },
  'gradients of keys in the type of the query': {
    clause: 'cache',
    overrides: {
      kernel: (right, { dtype }) => ({
        ...right,
        async gradient(inputs, forward, options) {
          const gradients = await right.gradient!(inputs, forward, options);
          return { ...gradients, dKey: cast(gradients.dKey, dtype) };
        },
      }),
    },
  },
};
