import {
  type AttentionRequest,
  type HalfDType,
  type RequestedResults,
  type Tensor,
  attention,
  cast,
  resolveRequest,
  tensor,
} from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { forwardPlan } from './index.ts';
import { plainHost } from '../test/plain-host.ts';

/*
 * Tests what the conformance suite does not reach, since its problems are small: parts of the keys, waves of heads.
 * Tasks run in reverse, in memory filled with NaN.
 */

/** A linear congruential generator: the same numbers in every run. */
function numbers(seed: number): (count: number) => Float32Array<ArrayBuffer> {
  let state = seed;
  return (count) =>
    Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    });
}

interface Shape {
  readonly batch?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly valueDepth?: number;
}

type Request = Omit<AttentionRequest<Tensor>, keyof RequestedResults | 'gradient'>;

function request(shape: Shape, more: Partial<Request> = {}): Request {
  const { batch = 1, heads = 1, kvHeads = heads, queries, keys, depth, valueDepth = depth } = shape;
  const random = numbers(7);
  const of = (...lengths: number[]) => tensor(random(lengths.reduce((a, b) => a * b)), lengths);
  return {
    query: of(batch, heads, queries, depth),
    key: of(batch, kvHeads, keys, depth),
    value: of(batch, kvHeads, keys, valueDepth),
    ...more,
  };
}

const options = { shared: false, relaxedSimd: false, wide: false };

async function run(given: Request, provider = plainHost(options)) {
  return attention(await provider.create(), { ...given, logSumExp: true });
}

async function expectAgreement(given: Request): Promise<void> {
  const actual = await run(given);
  const expected = await run(given, reference);
  for (const name of ['output', 'logSumExp'] as const) {
    const exact = expected[name].data;
    actual[name].data.forEach((number, n) => {
      if (number !== exact[n]) expect(Math.abs(number - exact[n]!), `${name}[${n}]`).toBeLessThan(2e-6);
    });
  }
}

describe('few rows with many keys', () => {
  test.each<[string, Shape, Partial<Request>]>([
    ['one row', { queries: 1, keys: 9000, depth: 8 }, {}],
    ['an odd head size', { queries: 3, keys: 8193, depth: 5, valueDepth: 3 }, {}],
    ['query heads that share keys', { heads: 4, kvHeads: 2, queries: 1, keys: 9001, depth: 8 }, {}],
    ['a sink', { queries: 2, keys: 8192, depth: 8 }, { sinks: tensor(new Float32Array([3]), [1]) }],
    ['causal rows', { queries: 100, keys: 8200, depth: 4 }, { causal: true, alignment: { offset: 4050 } }],
    ['a short cache', { batch: 3, queries: 1, keys: 12300, depth: 8 }, { keyLengths: [0, 5000, 12300] }],
    [
      'a window within one part',
      { queries: 2, keys: 8192, depth: 8 },
      { window: { left: 10, right: 0 }, alignment: { offset: 5000 } },
    ],
  ])('%s', async (_, shape, more) => {
    const given = request(shape, more);
    const plan = forwardPlan(resolveRequest(given).problem, options);
    expect(plan.phases.map((phase) => phase.export)).toContain('merge');
    await expectAgreement(given);
  });

  test.each<[HalfDType, Shape, Partial<Request>]>([
    ['float16', { heads: 2, queries: 1, keys: 9001, depth: 8 }, {}],
    ['bfloat16', { heads: 2, queries: 1, keys: 9001, depth: 16, valueDepth: 8 }, {}],
    ['float16', { heads: 4, kvHeads: 2, queries: 2, keys: 9001, depth: 8 }, { keyLengths: [8500] }],
    [
      'bfloat16',
      { queries: 3, keys: 8200, depth: 4 },
      { window: { left: 10, right: 0 }, alignment: { offset: 5000 } },
    ],
    ['float16', { queries: 11, keys: 8200, depth: 5 }, {}],
  ])('keys in %s: %o', async (dtype, shape, more) => {
    const given = request(shape, more);
    const keys = { key: cast(given.key, dtype), value: cast(given.value!, dtype) };
    await expectAgreement({ ...given, ...keys });
  });

  test('an infinity in keys or values of float16 is noticed in each place, and padding is not', async () => {
    for (const name of ['key', 'value'] as const) {
      for (const at of [0, 31, 32, 5003, 8199]) {
        const given = request({ heads: 2, kvHeads: 1, queries: 1, keys: 8200, depth: 8 });
        const clean = { ...given, key: cast(given.key, 'float16'), value: cast(given.value!, 'float16') };
        for (const heads of [1, 2]) {
          const query = tensor((given.query as Tensor).data.slice(0, heads * 8) as Float32Array, [
            1,
            heads,
            1,
            8,
          ]);
          const { shape, data } = clean[name];
          const bits = data.slice();
          bits[at * 8 + 3] = 0xfc00;
          const dirty = { ...clean, query, [name]: { dtype: 'float16', shape, data: bits } };
          const result = await run(dirty);
          expect(result.output.data.every(Number.isNaN), `${name} ${at}, ${heads} heads`).toBe(true);
          const padded = await run({ ...dirty, keyLengths: [at] });
          const short = await run({ ...clean, query, keyLengths: [at] });
          expect(padded.output.data).toEqual(short.output.data);
        }
      }
    }
  });

  test('NaN in keys and values past the length changes no bit', async () => {
    const given = request({ queries: 1, keys: 8200, depth: 8 }, { keyLengths: [5001] });
    const clean = await run(given);
    (given.key as Tensor).data.fill(NaN, 5001 * 8);
    (given.value as Tensor).data.fill(Infinity, 5001 * 8);
    const padded = await run(given);
    expect(padded.output.data).toEqual(clean.output.data);
    expect(padded.logSumExp.data).toEqual(clean.logSumExp.data);
  });
});

describe('more heads than packed keys have room for', () => {
  const shape: Shape = { batch: 2, heads: 2, queries: 9, keys: 40000, depth: 64 };

  test('come in waves, and give the bits that they give alone', async () => {
    const given = request(shape);
    const plan = forwardPlan(resolveRequest(given).problem, options);
    expect(plan.phases.filter((phase) => phase.export === 'pack').length).toBeGreaterThan(1);
    expect(plan.sharedScratchBytes).toBeLessThan(70e6);
    const all = await run(given);
    const lastHead = ({ shape: [, , length, depth], data }: Tensor): Tensor =>
      tensor(Float32Array.from(data.subarray(-length! * depth!)), [1, 1, length!, depth!]);
    const { query, key, value } = given as unknown as Record<string, Tensor>;
    const alone = await run({
      ...given,
      query: lastHead(query!),
      key: lastHead(key!),
      value: lastHead(value!),
    });
    expect(alone.output.data).toEqual(all.output.data.slice(-alone.output.data.length));
  });
});

describe('modules', () => {
  const keyOf = (shape: Shape, more?: Partial<Request>): string =>
    forwardPlan(resolveRequest(request(shape, more)).problem, options).module.key;

  test('lengths, heads, batch and scale make no new one', () => {
    const key = keyOf({ queries: 100, keys: 100, depth: 64 });
    expect(keyOf({ queries: 1000, keys: 77, depth: 64, heads: 2, batch: 3 }, { scale: 7 })).toBe(key);
    expect(keyOf({ queries: 100, keys: 100, depth: 32 })).not.toBe(key);
  });

  test('plain attention has no code of exclusions', () => {
    const size = (more?: Partial<Request>): number => {
      const { problem } = resolveRequest(request({ queries: 100, keys: 100, depth: 64 }, more));
      return forwardPlan(problem, options).module.generate().length;
    };
    expect(size({ softcap: 3 })).toBeGreaterThan(size() + 100);
    expect(size({ mask: tensor(new Uint8Array(1e4), [100, 100]) })).toBeGreaterThan(size());
  });
});
