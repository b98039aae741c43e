import type { AttentionBackend, Capabilities, Feature, FloatDType, Tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import { resolveRequest } from '@heed/core';
import {
  type Arbitrary,
  type RunDetails,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  subarray,
} from 'fast-check';
import type { BehaviorCase, Subject } from '../../case.ts';
import { coordinates } from '../../judge/compare.ts';
import { type Values, expectationOf } from '../../judge/expectation.ts';
import { judgeGradients, judgeResults } from '../../judge/judge.ts';
import type { PlainInputs } from '../../judge/naive-scores.ts';
import { PRECISIONS } from '../../judge/precision.ts';
import { hash } from '../../random.ts';
import { type Lengths, type Sketch, lengthsOf } from '../../sketch.ts';
import { behavior, ensure } from '../building/behavior.ts';
import { runAll, withEverything } from '../building/run-all.ts';

/** A sketch and the seed of its numbers. */
export interface Sample {
  readonly sketch: Sketch;
  readonly seed: number;
}

/** Amount of work that a property does. Enough to hit every option many times over the runs of all properties. */
const RUNS = 20;

/**
 * A case that must hold for all requests of a kind. The seed is that of the id: every run of the suite tries the same
 * requests. A failure names the seed, the path and the smallest request that fails.
 */
export function property<T>(
  clause: string,
  name: string,
  features: readonly Feature[],
  requests: (capabilities: Capabilities) => Arbitrary<T>,
  check: (value: T, subject: Subject) => Promise<void>,
): BehaviorCase {
  return behavior(clause, `property/${name}`, features, (subject, id) =>
    assert(
      asyncProperty(requests(subject.backend.capabilities), (value) => check(value, subject)),
      { seed: hash(id), numRuns: RUNS, reporter: fail },
    ),
  );
}

/** Fails with the fault in front of the rest, since the author of a backend reads it first. */
function fail<T>({ failed, errorInstance, counterexample, seed, counterexamplePath }: RunDetails<[T]>): void {
  if (!failed) return;
  const what = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const request = JSON.stringify(counterexample?.[0]);
  throw new Error(
    `${what}; smallest request that fails: ${request} (seed ${seed}, path ${counterexamplePath})`,
    {
      cause: errorInstance,
    },
  );
}

/** Parts that a request may have besides query, key and value. */
type OptionName =
  | 'softcap'
  | 'booleanMask'
  | 'floatMask'
  | 'bias'
  | 'segments'
  | 'sinks'
  | 'causal'
  | 'window'
  | 'alibi'
  | 'peaked';

interface Option {
  /** The feature that it needs. */
  readonly feature: Feature | null;
  add(lengths: Lengths): Sketch;
}

function full({ batch, heads, queryLength, keyLength }: Lengths): readonly number[] {
  return [batch, heads, queryLength, keyLength];
}

const OPTIONS: Readonly<Record<OptionName, Option>> = {
  softcap: { feature: 'softcap', add: () => ({ softcap: 1.5 }) },
  booleanMask: { feature: 'mask.boolean', add: (l) => ({ mask: { kind: 'boolean', shape: full(l) } }) },
  floatMask: { feature: 'mask.float', add: (l) => ({ mask: { kind: 'float', shape: full(l) } }) },
  bias: { feature: 'bias', add: (l) => ({ bias: { shape: full(l), excluded: 0.2 } }) },
  segments: { feature: 'segments', add: () => ({ segments: 'scattered' }) },
  sinks: { feature: 'sinks', add: () => ({ sinks: true }) },
  causal: { feature: 'causal', add: () => ({ causal: true, alignment: 'topLeft' }) },
  window: { feature: 'window', add: () => ({ window: { left: 3, right: 1 }, alignment: 'topLeft' }) },
  alibi: { feature: 'alibi', add: () => ({ alibi: true, alignment: 'topLeft' }) },
  peaked: { feature: null, add: () => ({ spread: 6 }) },
};

/** Options that treat all keys alike, wherever they stand. */
export const UNORDERED: readonly OptionName[] = [
  'softcap',
  'booleanMask',
  'floatMask',
  'bias',
  'segments',
  'sinks',
  'peaked',
];

/** Small requests with some of the options, as far as they are declared. */
export function samples(options: readonly OptionName[]): (capabilities: Capabilities) => Arbitrary<Sample> {
  return ({ features }) => {
    const declared = options.filter((name) => {
      const { feature } = OPTIONS[name];
      return feature === null || features.includes(feature);
    });
    const length = oneof({ weight: 7, arbitrary: integer({ min: 1, max: 9 }) }, constantFrom(17, 33));
    const lengths = record({
      batch: integer({ min: 1, max: 2 }),
      heads: integer({ min: 1, max: 3 }),
      queryLength: length,
      keyLength: length,
      headDim: integer({ min: 1, max: 12 }),
    });
    return record({ lengths, chosen: subarray(declared), seed: nat() }).map((drawn) => {
      const sketch: Sketch = { ...drawn.lengths };
      for (const name of drawn.chosen) Object.assign(sketch, OPTIONS[name].add(lengthsOf(sketch)));
      return { sketch, seed: drawn.seed };
    });
  };
}

/** Results that agree with the reference, and how far each may be from it: worked out when it is asked for. */
export interface Judged {
  readonly values: Values;
  readonly bounds: Readonly<Record<string, () => number>>;
}

/** Runs a request for everything that is declared, and judges it. */
export async function judged(
  backend: AttentionBackend,
  request: CaseRequest,
  dOutput: Tensor,
): Promise<Judged> {
  const values = await runAll(backend, request, dOutput);
  const { problem, inputs } = resolveRequest(withEverything(request, backend.capabilities));
  const expectation = expectationOf(problem, inputs as PlainInputs, problem.gradient ? dOutput : undefined);
  const { rowMax, rowSum, ...others } = values;
  const gradients = Object.entries(others).filter(([name]) => /^d[A-Z]/.test(name));
  const outputs = Object.entries(others).filter(([name]) => !/^d[A-Z]/.test(name));
  const statistics = rowMax && rowSum ? { statistics: { rowMax, rowSum } } : {};
  const comparisons = [
    ...judgeResults(expectation, { ...Object.fromEntries(outputs), ...statistics }),
    ...(problem.gradient ? judgeGradients(expectation, Object.fromEntries(gradients) as never) : []),
  ];
  const faults = comparisons.flatMap(({ fault }) => fault ?? []);
  ensure(faults.length === 0, faults.join('; '));
  return { values, bounds: Object.fromEntries(comparisons.map(({ tensor, bound }) => [tensor, bound])) };
}

/** Checks that tensors of two requests are the same number, as far as both may be off. */
export function ensureNear(
  name: string,
  actual: Tensor,
  expected: Tensor,
  bound: () => number,
  what: string,
): void {
  const { floor } = PRECISIONS[expected.dtype as FloatDType];
  expected.data.forEach((number, n) => {
    const other = actual.data[n]!;
    const difference = Math.abs(number - other) / Math.max(1, Math.abs(number));
    // Nothing is bound more tightly than by the floor.
    if (number === other || difference <= floor || difference <= bound()) return;
    const where = coordinates(n, expected.shape);
    const differ = `${name}[${where}] is ${other} ${what}, and ${number} without`;
    throw new Error(`${differ}; they may differ by ${bound()}`);
  });
}

/**
 * Checks that two requests mean the same: both agree with the reference, and with each other.
 *
 * @param back puts a result of `other` into the order of `one`; null where they cannot be compared.
 */
export async function ensureSame(
  backend: AttentionBackend,
  [one, other]: readonly [CaseRequest, CaseRequest],
  [dOutput, dOther]: readonly [Tensor, Tensor],
  what: string,
  back: (name: string, value: Tensor) => Tensor | null = (_, value) => value,
): Promise<void> {
  const a = await judged(backend, one, dOutput);
  const b = await judged(backend, other, dOther);
  for (const [name, expected] of Object.entries(a.values)) {
    // The row sum counts from the row maximum, which may be rounded otherwise.
    if (name === 'rowSum' || b.values[name] === undefined) continue;
    const actual = back(name, b.values[name]);
    if (actual !== null)
      ensureNear(name, actual, expected, () => a.bounds[name]!() + b.bounds[name]!(), what);
  }
}
