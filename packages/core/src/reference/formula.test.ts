import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttentionRequest, type Tensor, attention, tensor } from '../index.ts';
import { numbersFrom } from '../test/random-request.ts';
import reference from './index.ts';

const backend = await reference.create();

type Matrix = readonly (readonly number[])[];

/** softmax(Q Kᵀ / √D) V of one head, as in the paper; `attends` excludes terms from both sums. */
function attentionOfPaper(
  q: Matrix,
  k: Matrix,
  v: Matrix,
  attends: (i: number, j: number) => boolean,
): number[][] {
  return q.map((query, i) => {
    const exponentials = k.map((key, j) => {
      const dot = key.reduce((sum, x, d) => sum + x * query[d]!, 0);
      return attends(i, j) ? Math.exp(dot / Math.sqrt(query.length)) : 0;
    });
    const sum = exponentials.reduce((a, b) => a + b);
    return v[0]!.map((_, d) => exponentials.reduce((output, e, j) => output + (e * v[j]![d]!) / sum, 0));
  });
}

const toTensor = (matrix: Matrix): Tensor =>
  tensor(new Float64Array(matrix.flat()), [1, 1, matrix.length, matrix[0]!.length]);

/** The largest difference between the paper and the reference, on random numbers. */
async function distanceFromPaper(
  seed: number,
  [queries, keys, depth, valueDepth]: readonly number[],
  attends: (i: number, j: number) => boolean,
  options: Pick<AttentionRequest, 'causal' | 'mask'>,
): Promise<number> {
  const next = numbersFrom(seed);
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => 3 * next()));
  const [q, k, v] = [matrix(queries!, depth!), matrix(keys!, depth!), matrix(keys!, valueDepth!)];
  const { output } = await attention(backend, {
    query: toTensor(q),
    key: toTensor(k),
    value: toTensor(v),
    ...options,
  });
  const expected = attentionOfPaper(q, k, v, attends).flat();
  return Math.max(...expected.map((right, at) => Math.abs(right - output.data[at]!)));
}

const size = fc.integer({ min: 1, max: 9 });
const seed = fc.nat();

describe('the reference is the formula of the paper', () => {
  test('softmax(Q Kᵀ / √D) V', async () => {
    await fc.assert(
      fc.asyncProperty(seed, size, size, size, size, async (s, ...sizes) => {
        expect(await distanceFromPaper(s, sizes, () => true, {})).toBeLessThan(1e-12);
      }),
    );
  });

  test('causal', async () => {
    await fc.assert(
      fc.asyncProperty(seed, size, size, size, async (s, length, ...depths) => {
        const sizes = [length, length, ...depths];
        expect(await distanceFromPaper(s, sizes, (i, j) => j <= i, { causal: true })).toBeLessThan(1e-12);
      }),
    );
  });

  test('with a boolean mask', async () => {
    await fc.assert(
      fc.asyncProperty(seed, size, size, size, size, async (s, queries, keys, ...depths) => {
        // Every row attends to something: the formula has no answer for a row that does not.
        const attends = (i: number, j: number): boolean => (i * 7 + j * 3 + s) % 3 !== 0 || j === i % keys;
        const cells = Array.from({ length: queries * keys }, (_, at) =>
          attends(Math.floor(at / keys), at % keys) ? 1 : 0,
        );
        const mask = tensor(Uint8Array.from(cells), [queries, keys]);
        const sizes = [queries, keys, ...depths];
        expect(await distanceFromPaper(s, sizes, attends, { mask })).toBeLessThan(1e-12);
      }),
    );
  });

  test('query head h reads key/value head ⌊h / (Hq / Hkv)⌋, in either layout', async () => {
    const next = numbersFrom(5);
    const [length, depth] = [3, 2];
    const heads = (count: number): number[][][] =>
      Array.from({ length: count }, () =>
        Array.from({ length }, () => Array.from({ length: depth }, () => next())),
      );
    const [q, k, v] = [heads(6), heads(2), heads(2)];
    const expected = q.map((head, h) =>
      attentionOfPaper(head, k[Math.floor(h / 3)]!, v[Math.floor(h / 3)]!, () => true),
    );

    const bhld = (values: number[][][]): Tensor =>
      tensor(new Float64Array(values.flat(2)), [1, values.length, length, depth]);
    const blhd = (values: number[][][]): Tensor => {
      const rows = Array.from({ length }, (_, l) => values.map((head) => head[l]!));
      return tensor(new Float64Array(rows.flat(2)), [1, length, values.length, depth]);
    };
    for (const [layout, toLayout] of [['bhld', bhld] as const, ['blhd', blhd] as const]) {
      const request = { query: toLayout(q), key: toLayout(k), value: toLayout(v), layout };
      const { output } = await attention(backend, request);
      const right = toLayout(expected);
      expect(output.shape).toEqual(right.shape);
      output.data.forEach((number: number, at: number) => expect(number).toBeCloseTo(right.data[at]!, 12));
    }
  });
});
