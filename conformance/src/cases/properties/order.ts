import type { Tensor } from '@heed/core';
import { exchangeHeadsAndLength } from '@heed/core/backend';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import { randomFrom } from '../../random.ts';
import { dOutputOf, lengthsOf, requestOf } from '../../sketch.ts';
import { type Sample, UNORDERED, ensureNear, ensureSame, judged, property, samples } from './property.ts';
import type { Purposes } from '../building/purposes.ts';

export const orderPropertyPurposes: Purposes = {
  'order/property/permuted-keys': 'Keys and values in another order give the same output.',
  'order/property/permuted-queries': 'Queries in another order give the output in that order.',
  'order/property/permuted-heads': 'Heads in another order give the output in that order.',
  'order/property/scaled-values': 'Values 64 times as large give an output 64 times as large.',
  'order/property/scale-of-the-query': 'The scale may as well be in the query.',
  'layout/property': 'Both layouts give the same numbers.',
  'gqa/property': 'Sharing a key head is the same as repeating it.',
};

/** A permutation of n places, from a seed. */
function permutation(length: number, seed: number): number[] {
  const random = randomFrom(seed);
  const places = Array.from({ length }, (_, n) => n);
  for (let n = length - 1; n > 0; n--) {
    const other = random.below(n + 1);
    [places[n], places[other]] = [places[other]!, places[n]!];
  }
  return places;
}

/** The slices of an axis in another order: slice n of the result is slice `order[n]` of what is given. */
export function reorder<T>(given: T, axis: number, order: readonly number[]): T {
  if (given === undefined || given === null) return given;
  const { shape, data } = given as unknown as Tensor;
  if (shape[axis] !== order.length) return given;
  const inner = shape.slice(axis + 1).reduce((size, length) => size * length, 1);
  const result = data.slice();
  for (let n = 0; n < data.length; n++) {
    const place = Math.floor(n / inner) % order.length;
    result[n] = data[n + (order[place]! - place) * inner]!;
  }
  return { ...given, data: result } as T;
}

function inverse(order: readonly number[]): number[] {
  const result = order.slice();
  order.forEach((from, to) => (result[from] = to));
  return result;
}

const draw = ({ sketch, seed }: Sample): { request: CaseRequest; dOutput: Tensor } => ({
  request: requestOf(sketch, seed),
  dOutput: dOutputOf(sketch, seed),
});

export function orderPropertyCases(): ConformanceCase[] {
  return [
    property('order', 'permuted-keys', [], samples(UNORDERED), async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const order = permutation(lengthsOf(sample.sketch).keyLength, sample.seed);
      const permuted = {
        ...request,
        key: reorder(request.key, 2, order),
        value: reorder(request.value, 2, order),
        mask: reorder(request.mask, 3, order),
        bias: reorder(request.bias, 3, order),
        keySegments: reorder(request.keySegments, 1, order),
      };
      await ensureSame(
        backend,
        [request, permuted],
        [dOutput, dOutput],
        'with permuted keys',
        (name, value) => {
          if (name === 'dKey' || name === 'dValue') return reorder(value, 2, inverse(order));
          return name === 'weights' || name === 'dBias' ? reorder(value, 3, inverse(order)) : value;
        },
      );
    }),
    property('order', 'permuted-queries', [], samples(UNORDERED), async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const order = permutation(lengthsOf(sample.sketch).queryLength, sample.seed);
      const permuted = {
        ...request,
        query: reorder(request.query, 2, order),
        mask: reorder(request.mask, 2, order),
        bias: reorder(request.bias, 2, order),
        querySegments: reorder(request.querySegments, 1, order),
      };
      const gradients = [dOutput, reorder(dOutput, 2, order)] as const;
      await ensureSame(backend, [request, permuted], gradients, 'with permuted queries', (name, value) =>
        ['dKey', 'dValue', 'dSinks'].includes(name) ? value : reorder(value, 2, inverse(order)),
      );
    }),
    property('order', 'permuted-heads', [], samples(UNORDERED), async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const order = permutation(lengthsOf(sample.sketch).heads, sample.seed);
      const permuted = {
        ...request,
        query: reorder(request.query, 1, order),
        key: reorder(request.key, 1, order),
        value: reorder(request.value, 1, order),
        mask: reorder(request.mask, 1, order),
        bias: reorder(request.bias, 1, order),
        sinks: reorder(request.sinks, 0, order),
      };
      const gradients = [dOutput, reorder(dOutput, 1, order)] as const;
      await ensureSame(backend, [request, permuted], gradients, 'with permuted heads', (name, value) =>
        reorder(value, name === 'dSinks' ? 0 : 1, inverse(order)),
      );
    }),
    property('order', 'scaled-values', [], samples(UNORDERED), async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const value = request.value as Tensor;
      const one = await judged(backend, request, dOutput);
      const scaled = { ...value, data: value.data.map((number) => 64 * number) } as Tensor;
      const other = await judged(backend, { ...request, value: scaled }, dOutput);
      const expected = one.values['output']!;
      const back = { ...expected, data: other.values['output']!.data.map((number) => number / 64) } as Tensor;
      const bound = (): number => one.bounds['output']!() + other.bounds['output']!() / 64;
      ensureNear('output', back, expected, bound, 'for values 64 times as large, divided by 64,');
    }),
    property('order', 'scale-of-the-query', [], samples(UNORDERED), async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const query = request.query as Tensor;
      const scale = 0.25 / Math.sqrt(lengthsOf(sample.sketch).headDim);
      const larger = { ...query, data: query.data.map((number) => 4 * number) } as Tensor;
      const other = { ...request, query: larger, scale };
      await ensureSame(
        backend,
        [request, other],
        [dOutput, dOutput],
        'with the scale in the query',
        (name, value) => (name === 'dQuery' ? null : value),
      );
    }),
    property(
      'layout',
      'transposed',
      ['layout.blhd'],
      samples([...UNORDERED, 'causal', 'alibi']),
      async (sample, { backend }) => {
        const { request, dOutput } = draw(sample);
        const other: CaseRequest = {
          ...request,
          layout: 'blhd',
          query: exchangeHeadsAndLength(request.query as Tensor),
          key: exchangeHeadsAndLength(request.key as Tensor),
          value: exchangeHeadsAndLength(request.value as Tensor),
        };
        const gradients = [dOutput, exchangeHeadsAndLength(dOutput)] as const;
        await ensureSame(backend, [request, other], gradients, 'in layout blhd', (name, value) =>
          ['output', 'dQuery', 'dKey', 'dValue'].includes(name) ? exchangeHeadsAndLength(value) : value,
        );
      },
    ),
    property(
      'gqa',
      'repeated-heads',
      ['gqa'],
      samples([...UNORDERED, 'causal']),
      async (sample, { backend }) => {
        const { heads } = lengthsOf(sample.sketch);
        const { request, dOutput } = draw({ ...sample, sketch: { ...sample.sketch, kvHeads: 1 } });
        const repeated = (given: unknown): Tensor => {
          const { shape, data } = given as Tensor;
          const inner = shape[2]! * shape[3]!;
          const result = new Float32Array(data.length * heads);
          for (let n = 0; n < result.length; n++) {
            result[n] = data[Math.floor(n / (heads * inner)) * inner + (n % inner)]!;
          }
          return { dtype: 'float32', shape: shape.with(1, heads), data: result };
        };
        const other = { ...request, key: repeated(request.key), value: repeated(request.value) };
        await ensureSame(
          backend,
          [request, other],
          [dOutput, dOutput],
          'with the key head repeated',
          (name, value) => (name === 'dKey' || name === 'dValue' ? null : value),
        );
      },
    ),
  ];
}
