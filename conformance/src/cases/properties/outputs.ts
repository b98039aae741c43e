import { type Tensor, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import { rowStarts } from '../../judge/naive-scores.ts';
import { PRECISIONS } from '../../judge/precision.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { ensure } from '../building/behavior.ts';
import { type Sample, UNORDERED, judged, property, samples } from './property.ts';
import { runAll } from '../building/run-all.ts';
import type { Purposes } from '../building/purposes.ts';

export const outputPropertyPurposes: Purposes = {
  'weights/property/times-values-are-the-output': 'Weights times values are the output.',
  'weights/property/sum-to-1': 'The weights of a row are not negative and sum to 1.',
  'logSumExp/property': 'logSumExp is rowMax + ln rowSum.',
  'gradient/property/linear': 'The gradient is linear in dOutput.',
  'gradient/property/query-and-key-agree': 'query · dQuery and key · dKey sum to the same.',
  'gradient/property/of-a-constant-shift-is-0': 'A row of dBias sums to 0.',
  'gradient/property/finite-differences': 'The gradient is what small steps of the inputs measure.',
};

const { floor } = PRECISIONS.float32;

const ALL = samples([...UNORDERED, 'causal', 'window', 'alibi']);

function draw({ sketch, seed }: Sample): { request: CaseRequest; dOutput: Tensor } {
  return { request: requestOf(sketch, seed), dOutput: dOutputOf(sketch, seed) };
}

function total(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}

function dot(a: Tensor, b: Tensor): number {
  return total(Array.from(a.data, (number, n) => number * b.data[n]!));
}

/** Size of the terms of a {@link dot}, whatever their signs. */
function magnitude(a: Tensor, b: Tensor): number {
  return total(Array.from(a.data, (number, n) => Math.abs(number * b.data[n]!)));
}

/** Relations of outputs and gradients with each other, whatever the reference says. */
export function outputPropertyCases(): ConformanceCase[] {
  return [
    property('weights', 'times-values-are-the-output', ['weights'], ALL, async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const { problem } = resolveRequest(request);
      const { values, bounds } = await judged(backend, request, dOutput);
      const [weights, output, value] = [values['weights']!, values['output']!, request.value as Tensor];
      const starts = rowStarts(problem);
      const { heads, queryLength, keyLength, valueDim } = problem;
      output.data.forEach((number, n) => {
        const row = Math.floor(n / valueDim);
        const [b, h] = [Math.floor(row / (heads * queryLength)), Math.floor(row / queryLength) % heads];
        let sum = 0;
        let size = 1;
        for (let j = 0; j < keyLength; j++) {
          const one = value.data[starts.value(b, h, j) + (n % valueDim)]!;
          sum += weights.data[row * keyLength + j]! * one;
          size += Math.abs(one);
        }
        const bound = bounds['output']!() + bounds['weights']!() * size;
        ensure(Math.abs(sum - number) <= bound, `weights times values are ${sum}, the output is ${number}`);
      });
    }),
    property('weights', 'sum-to-1', ['weights'], ALL, async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const { weights } = await runAll(backend, request, dOutput);
      const { keyLength } = resolveRequest(request).problem;
      for (let at = 0; at < weights!.data.length; at += keyLength) {
        const row = weights!.data.subarray(at, at + keyLength);
        const sum = total(row);
        ensure(
          row.every((weight) => weight >= 0),
          'a weight is negative',
        );
        const right = request.sinks
          ? sum <= 1 + floor * keyLength
          : Math.abs(sum - 1) <= floor * keyLength || sum === 0;
        ensure(right, `the weights of a row sum to ${sum}`);
      }
    }),
    property(
      'logSumExp',
      'of-the-statistics',
      ['logSumExp', 'statistics'],
      ALL,
      async (sample, { backend }) => {
        const { request, dOutput } = draw(sample);
        const { logSumExp, rowMax, rowSum } = await runAll(backend, request, dOutput);
        logSumExp!.data.forEach((number, row) => {
          const sum = rowSum!.data[row]!;
          const expected = sum === 0 ? -Infinity : rowMax!.data[row]! + Math.log(sum);
          const near =
            number === expected || Math.abs(number - expected) <= floor * Math.max(1, Math.abs(expected));
          ensure(near, `logSumExp is ${number}, rowMax + ln rowSum is ${expected}`);
        });
      },
    ),
    property('gradient', 'linear', ['gradient', 'statistics'], ALL, async (sample, { backend }) => {
      const { request, dOutput } = draw(sample);
      const doubled = { ...dOutput, data: dOutput.data.map((number) => -4 * number) } as Tensor;
      const one = await judged(backend, request, dOutput);
      const other = await judged(backend, request, doubled);
      for (const [name, { data }] of Object.entries(one.values).filter(([key]) => key.startsWith('d'))) {
        const bound = 4 * one.bounds[name]!() + other.bounds[name]!();
        data.forEach((number, n) => {
          const scaled = other.values[name]!.data[n]!;
          ensure(
            Math.abs(scaled + 4 * number) <= bound,
            `${name} is ${number}, and ${scaled} for −4 times dOutput`,
          );
        });
      }
    }),
    property(
      'gradient',
      'query-and-key-agree',
      ['gradient', 'statistics'],
      ALL,
      async (sample, { backend }) => {
        // Σ q · dq and Σ k · dk are both Σ score · dScore, since a score is bilinear in them.
        const { request, dOutput } = draw(sample);
        const { values, bounds } = await judged(backend, request, dOutput);
        const [query, key] = [request.query as Tensor, request.key as Tensor];
        const [dQuery, dKey] = [values['dQuery']!, values['dKey']!];
        const [a, b] = [dot(query, dQuery), dot(key, dKey)];
        const size = (given: Tensor): number => total(Array.from(given.data, Math.abs));
        const bound =
          bounds['dQuery']!() * size(query) +
          bounds['dKey']!() * size(key) +
          floor * magnitude(query, dQuery);
        ensure(Math.abs(a - b) <= bound, `Σ query · dQuery is ${a}, Σ key · dKey is ${b}`);
      },
    ),
    property(
      'gradient',
      'of-a-constant-shift-is-0',
      ['gradient', 'statistics', 'bias'],
      ALL,
      async (sample, { backend }) => {
        // A constant on all scores of a row changes nothing: without a sink, dBias sums to 0 over the row.
        const { sinks: _, ...sketch } = sample.sketch;
        const { batch = 2, heads = 2, queryLength = 7, keyLength = 7 } = sketch;
        const bias = { shape: [batch, heads, queryLength, keyLength] };
        const { request, dOutput } = draw({ ...sample, sketch: { ...sketch, bias } });
        const { values, bounds } = await judged(backend, request, dOutput);
        const { data } = values['dBias']!;
        for (let at = 0; at < data.length; at += keyLength) {
          const sum = total(data.subarray(at, at + keyLength));
          ensure(Math.abs(sum) <= bounds['dBias']!() * keyLength, `a row of dBias sums to ${sum}`);
        }
      },
    ),
    property(
      'gradient',
      'finite-differences',
      ['gradient', 'statistics'],
      ALL,
      async (sample, { backend }) => {
        const exact = backend.capabilities.dtypes.includes('float64');
        const sketch: Sketch = { ...sample.sketch, dtype: exact ? 'float64' : 'float32', spread: 1 };
        const { request, dOutput } = draw({ ...sample, sketch });
        const direction = draw({ seed: sample.seed + 1, sketch }).request;
        const inputs = ['query', 'key', 'value', 'bias', 'sinks'] as const;
        const present = inputs.filter((name) => request[name] !== undefined);
        const loss = async (step: number): Promise<number> => {
          const moved = Object.fromEntries(
            present.map((name) => [name, along(request[name], direction[name], step)]),
          );
          const { output } = await runAll(backend, { ...request, ...moved }, dOutput);
          return dot(output!, dOutput);
        };
        const step = exact ? 2 ** -14 : 2 ** -6;
        const measured = ((await loss(step)) - (await loss(-step))) / (2 * step);
        const values = await runAll(backend, request, dOutput);
        const gradientOf = (name: string): Tensor => values[`d${name[0]!.toUpperCase()}${name.slice(1)}`]!;
        let sum = 0;
        let size = 1;
        for (const name of present) {
          const towards = finite(direction[name] as Tensor);
          sum += dot(gradientOf(name), towards);
          size += magnitude(gradientOf(name), towards);
        }
        const tolerance = (exact ? 1e-5 : 1e-2) * size;
        ensure(
          Math.abs(sum - measured) <= tolerance,
          `the gradient predicts ${sum}, differences measure ${measured}`,
        );
      },
    ),
  ];
}

/** −∞ excludes and has no direction. */
function finite(given: Tensor): Tensor {
  return { ...given, data: given.data.map((number) => (Number.isFinite(number) ? number : 0)) } as Tensor;
}

function along(given: unknown, direction: unknown, step: number): Tensor {
  const { data } = finite(direction as Tensor);
  const from = given as Tensor;
  return { ...from, data: from.data.map((number, n) => number + step * data[n]!) } as Tensor;
}
