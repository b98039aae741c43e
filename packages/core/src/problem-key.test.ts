import { expect, test } from 'vitest';
import { checkProblem, problemKey } from './check-problem.ts';
import type { AttentionProblem } from './index.ts';

const problem: AttentionProblem = {
  batch: 2,
  heads: 4,
  kvHeads: 4,
  kvBatch: 2,
  queryLength: 3,
  keyLength: 3,
  headDim: 8,
  valueDim: 8,
  dtype: 'float32',
  cacheType: 'float32',
  groups: null,
  pages: null,
  ring: false,
  valueFromKey: null,
  layout: 'bhld',
  scale: 0.5,
  softcap: null,
  alignment: 'topLeft',
  causal: true,
  window: null,
  mask: null,
  bias: null,
  lengths: { key: false, keyStart: false, query: false },
  segments: false,
  alibi: false,
  sinks: false,
  selection: 'softmax',
  origin: false,
  dropout: null,
  outputs: ['output'],
  gradient: false,
};

/** Each member, changed; for a nested object, each of its members. */
const CHANGES: { readonly [Name in keyof AttentionProblem]: readonly AttentionProblem[Name][] } = {
  batch: [3],
  heads: [8],
  kvHeads: [2],
  kvBatch: [1],
  queryLength: [5],
  keyLength: [5],
  headDim: [16],
  valueDim: [16],
  dtype: ['float64'],
  cacheType: ['float16', 'bfloat16'],
  groups: [
    { key: 8, value: 8 },
    { key: 32, value: 8 },
    { key: 8, value: 32 },
  ],
  pages: [
    { count: 4, size: 3 },
    { count: 5, size: 3 },
    { count: 4, size: 1 },
  ],
  layout: ['blhd'],
  scale: [0.25, -0.5, 0.1, 0.1 + 2 ** -56],
  softcap: [30],
  alignment: ['offset'],
  causal: [false],
  window: [
    { left: 1, right: null },
    { left: null, right: 1 },
    { left: 1, right: 1 },
  ],
  mask: [
    { kind: 'boolean', shape: [1, 1, 3, 3] },
    { kind: 'float', shape: [1, 1, 3, 3] },
    { kind: 'boolean', shape: [2, 1, 3, 3] },
  ],
  bias: [{ shape: [1, 1, 3, 3] }, { shape: [1, 4, 3, 3] }],
  lengths: [
    { key: true, keyStart: false, query: false },
    { key: false, keyStart: true, query: false },
    { key: false, keyStart: false, query: true },
  ],
  segments: [true],
  alibi: [true],
  sinks: [true],
  ring: [true],
  valueFromKey: [
    { start: 0, length: 8 },
    { start: 1, length: 8 },
    { start: 0, length: 4 },
  ],
  selection: ['argmax', 'sample'],
  origin: [true],
  dropout: [0.1, 0.2],
  outputs: [['weights'], ['output', 'weights']],
  gradient: [true],
};

test('problems that differ in any member have different keys, equal ones the same', () => {
  const changed = Object.entries(CHANGES).flatMap(([name, values]) =>
    (values as readonly unknown[]).map((value) => ({ ...problem, [name]: value })),
  );
  const keys = [problem, ...changed].map((one) => problemKey(one));
  expect(new Set(keys).size).toBe(keys.length);
  for (const one of [problem, ...changed]) {
    expect(problemKey(structuredClone(one))).toBe(problemKey(one));
    expect(() => checkProblem(one)).not.toThrow(/unknown option/);
  }
});
