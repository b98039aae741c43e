import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AttentionPart, type Layout, type Tensor, attention, mergeAttention, tensor } from '../index.ts';
import { numbersFrom } from '../test/random-request.ts';
import reference from '../reference/index.ts';

const backend = await reference.create();
const [B, H, LQ, D, DV] = [2, 2, 3, 2, 3];

/** Queries, keys and values of one head count, in `blhd`; {@link toLayout} makes `bhld`. */
interface Whole {
  readonly query: Tensor<'float64'>;
  readonly key: Tensor<'float64'>;
  readonly value: Tensor<'float64'>;
  /** `[Lq, Lk]`. */
  readonly mask: Tensor<'bool'>;
  readonly sinks: Tensor<'float64'>;
  readonly keyLength: number;
}

function wholeOf(seed: number, keyLength: number, magnitude: number): Whole {
  const next = numbersFrom(seed);
  const floats = (factor: number, shape: number[]): Tensor<'float64'> =>
    tensor(
      Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => factor * next()),
      shape,
    );
  return {
    query: floats(magnitude, [B, LQ, H, D]),
    key: floats(1, [B, keyLength, H, D]),
    value: floats(1, [B, keyLength, H, DV]),
    mask: tensor(
      Uint8Array.from({ length: LQ * keyLength }, () => (next() < 0.5 ? 1 : 0)),
      [LQ, keyLength],
    ),
    sinks: floats(1, [H]),
    keyLength,
  };
}

/** `[B, L, H, D]` with its axes 1 and 2 exchanged. */
function toLayout(layout: Layout, { shape, data }: Tensor<'float64'>): Tensor<'float64'> {
  if (layout === 'blhd') return { dtype: 'float64', shape, data };
  const [batch, length, heads, depth] = shape as [number, number, number, number];
  const result = new Float64Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const [d, row] = [at % depth, Math.floor(at / depth)];
    const [h, l, b] = [row % heads, Math.floor(row / heads) % length, Math.floor(row / heads / length)];
    result[((b * heads + h) * length + l) * depth + d] = data[at]!;
  }
  return tensor(result, [batch, heads, length, depth]);
}

/** The slice of keys from `start` to `end`, on axis 1. */
function keysOf({ shape, data }: Tensor<'float64'>, start: number, end: number): Tensor<'float64'> {
  const [batch, length, heads, depth] = shape as [number, number, number, number];
  const row = heads * depth;
  const parts = Array.from({ length: batch }, (_, b) => [
    ...data.subarray((b * length + start) * row, (b * length + end) * row),
  ]);
  return tensor(new Float64Array(parts.flat()), [batch, end - start, heads, depth]);
}

function maskOf({ mask, keyLength }: Whole, start: number, end: number): Tensor<'bool'> {
  const rows = Array.from({ length: LQ }, (_, i) => [
    ...mask.data.subarray(i * keyLength + start, i * keyLength + end),
  ]);
  return tensor(new Uint8Array(rows.flat()), [LQ, end - start]);
}

async function partOf(
  whole: Whole,
  layout: Layout,
  start: number,
  end: number,
  sink: boolean,
): Promise<AttentionPart> {
  const { output, statistics } = await attention(backend, {
    query: toLayout(layout, whole.query),
    key: toLayout(layout, keysOf(whole.key, start, end)),
    value: toLayout(layout, keysOf(whole.value, start, end)),
    mask: maskOf(whole, start, end),
    layout,
    ...(sink && { sinks: whole.sinks }),
    statistics: true,
  });
  return { output, statistics };
}

/** The largest difference between two tensors; infinite if their shapes differ, or only one is infinite. */
function difference(a: Tensor, b: Tensor): number {
  if (a.shape.join() !== b.shape.join()) return Infinity;
  const each = Array.from(a.data, (number, at) =>
    number === b.data[at] ? 0 : Math.abs(number - b.data[at]!),
  );
  return each.some(Number.isNaN) ? Infinity : Math.max(0, ...each);
}

function distance(a: AttentionPart, b: AttentionPart): number {
  return Math.max(
    difference(a.output, b.output),
    difference(a.statistics.rowMax, b.statistics.rowMax),
    difference(a.statistics.rowSum, b.statistics.rowSum),
  );
}

const layouts = fc.constantFrom<Layout>('bhld', 'blhd');
// Cuts may coincide: then a part has no keys.
const cuts = fc
  .array(fc.integer({ min: 0, max: 8 }), { maxLength: 5 })
  .map((all) => [0].concat(all.sort(), 8));
const magnitudes = fc.constantFrom(1, 30, 1e4);

async function partsOf(
  whole: Whole,
  layout: Layout,
  at: readonly number[],
  sink: boolean,
): Promise<AttentionPart[]> {
  return Promise.all(at.slice(1).map((end, n) => partOf(whole, layout, at[n]!, end, sink && n === 0)));
}

describe('merging', () => {
  test('parts of the keys, empty ones too, is attention over all of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        layouts,
        cuts,
        magnitudes,
        fc.boolean(),
        async (seed, layout, at, magnitude, sink) => {
          const whole = wholeOf(seed, 8, magnitude);
          const parts = await partsOf(whole, layout, at, sink);
          const expected = await partOf(whole, layout, 0, 8, sink);
          expect(distance(mergeAttention(parts, { layout }), expected)).toBeLessThan(1e-11);
        },
      ),
    );
  });

  test('does not depend on order, nor on what was merged before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), layouts, magnitudes, async (seed, layout, magnitude) => {
        const [a, b, c] = (await partsOf(wholeOf(seed, 8, magnitude), layout, [0, 2, 5, 8], true)) as [
          AttentionPart,
          AttentionPart,
          AttentionPart,
        ];
        const merge = (...parts: AttentionPart[]): AttentionPart => mergeAttention(parts, { layout });
        expect(distance(merge(c, a, b), merge(a, b, c))).toBeLessThan(1e-11);
        expect(distance(merge(a, merge(b, c)), merge(merge(a, b), c))).toBeLessThan(1e-11);
      }),
    );
  });

  test('one part is itself', async () => {
    const part = await partOf(wholeOf(1, 8, 1), 'bhld', 0, 8, false);
    expect(distance(mergeAttention([part]), part)).toBeLessThan(1e-15);
  });

  test('keeps float32, and never writes to the parts', async () => {
    const x = tensor(new Float32Array([1]), [1, 1, 1, 1]);
    const { output, statistics } = await attention(backend, {
      query: x,
      key: x,
      value: x,
      statistics: true,
    });
    const part = { output, statistics };
    const before = structuredClone(part);
    expect(mergeAttention([part, part]).statistics.rowSum).toEqual(tensor(new Float32Array([2]), [1, 1, 1]));
    expect(part).toEqual(before);
  });

  test('only empty rows are empty rows', async () => {
    const part = await partOf(wholeOf(1, 8, 1), 'bhld', 3, 3, false);
    const { output, statistics } = mergeAttention([part, part]);
    expect(output.data.every((x: number) => x === 0)).toBe(true);
    expect(statistics.rowMax.data.every((x: number) => x === -Infinity)).toBe(true);
    expect(statistics.rowSum.data.every((x: number) => x === 0)).toBe(true);
  });
});

test('parts are tensors, { data, shape } or nested arrays', () => {
  const tensors = {
    output: tensor(new Float32Array([1, 2, 3, 4]), [1, 1, 2, 2]),
    statistics: {
      rowMax: tensor(new Float32Array([0, 1]), [1, 1, 2]),
      rowSum: tensor(new Float32Array([1, 2]), [1, 1, 2]),
    },
  };
  const nested = {
    output: [
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ],
    statistics: { rowMax: [[[0, 1]]], rowSum: [[[1, 2]]] },
  };
  const { output } = tensors;
  const plain = {
    output: { data: output.data, shape: output.shape },
    statistics: { rowMax: { data: new Float32Array([0, 1]), shape: [1, 1, 2] }, rowSum: [[[1, 2]]] },
  };
  const expected = mergeAttention([tensors, tensors]);
  expect(expected.output.dtype).toBe('float32');
  expect(mergeAttention([tensors, nested])).toEqual(expected);
  expect(mergeAttention([nested, plain])).toEqual(expected);
  const float64 = {
    output: tensor(Float64Array.from(output.data), output.shape),
    statistics: nested.statistics,
  };
  expect(mergeAttention([float64, nested]).statistics.rowSum.dtype).toBe('float64');
});

/** The code of the error, if there is one. */
function codeOf(parts: readonly unknown[]): string {
  try {
    mergeAttention(parts as AttentionPart[]);
    return 'merged';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('what cannot be merged is refused with a code', async () => {
  const part = await partOf(wholeOf(1, 8, 1), 'bhld', 0, 8, false);
  const rank3 = tensor(new Float64Array(B * H * LQ), [B, H, LQ]);
  const rank5 = tensor(new Float64Array(B * H * LQ * DV), [B, H, LQ, DV, 1]);
  const float32 = { ...part.output, dtype: 'float32', data: Float32Array.from(part.output.data) };
  const integers = { ...part.output, dtype: 'int32', data: Int32Array.from(part.output.data) };
  expect(codeOf([part])).toBe('merged');
  expect(codeOf([])).toBe('ARGUMENT');
  expect(codeOf([{ ...part, output: rank3 }])).toBe('SHAPE');
  expect(codeOf([{ ...part, output: rank5 }])).toBe('SHAPE');
  expect(codeOf([part, { ...part, output: rank3 }])).toBe('SHAPE');
  expect(codeOf([{ output: part.output }])).toBe('SHAPE');
  expect(codeOf([part, { ...part, output: float32 }])).toBe('DTYPE');
  expect(codeOf([{ ...part, output: integers }])).toBe('DTYPE');
  expect(codeOf([part, { ...part, output: [[[[1]]]] }])).toBe('SHAPE');
  const resident = await backend.upload(part.output);
  expect(codeOf([{ ...part, output: resident }])).toBe('ARGUMENT');
  resident.dispose();
});
