import type {
  AttentionGradients,
  AttentionProblem,
  AttentionResults,
  DType,
  FloatDType,
  Tensor,
} from '@heed/core';
import { computeDType, gradientDType, numbersOf } from '@heed/core/backend';
import type { ExpectedValues } from '../case.ts';
import { type Candidate, type Comparison, compare, formFault, withoutNumbers } from './compare.ts';
import type { Expectation, Values, Yardstick } from './expectation.ts';
import { compareHard } from './hard.ts';

/** Logarithms and maxima of scores carry the rounding of the scores, which grows with their size. */
const RELATIVE: ReadonlySet<string> = new Set(['logSumExp', 'rowMax', 'rowSum']);

/**
 * Compares what a run returned with the reference, tensor by tensor: SPEC.md, clauses `accuracy` and `selection`.
 * Every output that the problem names must be there, in its shape and type, and no other.
 */
export function judgeResults(
  expectation: Expectation,
  results: AttentionResults<Tensor>,
  expected?: ExpectedValues,
): Comparison[] {
  const { problem, forward } = expectation;
  const actual = flatten(results);
  const names = problem.outputs.flatMap((name) => (name === 'statistics' ? ['rowMax', 'rowSum'] : [name]));
  const form = formFaults(expectation, forward, actual, names);
  if (form.length > 0) return form;

  const hard = problem.selection !== 'softmax';
  const soft = names
    .filter((name) => !hard || RELATIVE.has(name))
    .map((name) => compare(candidateOf(expectation, forward, actual, name)));
  return [
    ...soft,
    ...(hard ? compareHard(expectation, results) : []),
    ...(expected ? compareExpected(expectation, forward, actual, soft, expected) : []),
    ...(hard && expected ? checkExpectedChoices(expectation, expected) : []),
  ];
}

/** {@link judgeResults} for what `gradient()` returned; the expectation was made with its dOutput. */
export function judgeGradients(
  expectation: Expectation,
  gradients: AttentionGradients<Tensor>,
  expected?: ExpectedValues,
): Comparison[] {
  const yardstick = expectation.gradient!;
  const actual = flatten(gradients);
  const names = Object.keys(yardstick.reference);
  const form = formFaults(expectation, yardstick, actual, names);
  if (form.length > 0) return form;
  const comparisons = names.map((name) => compare(candidateOf(expectation, yardstick, actual, name)));
  return [
    ...comparisons,
    ...(expected ? compareExpected(expectation, yardstick, actual, comparisons, expected) : []),
  ];
}

/** Results by the names of comparisons: statistics by their field names. */
function flatten(results: object): Values {
  const { statistics, ...others } = results as { statistics?: Values };
  return { ...others, ...statistics };
}

/** Everything that is missing, of the wrong shape or type, or was not asked for. */
function formFaults(
  { problem }: Expectation,
  { reference }: Yardstick,
  actual: Values,
  names: readonly string[],
): Comparison[] {
  const extra = Object.keys(actual).filter((name) => actual[name] !== undefined && !names.includes(name));
  return [
    ...names.flatMap((name) => {
      const fault = formFault(name, actual[name], typeOf(problem, name), reference[name]!.shape);
      return fault === null ? [] : [withoutNumbers(name, fault)];
    }),
    ...extra.map((name) => withoutNumbers(name, `${name} is among the results; it was not requested`)),
  ];
}

/** The element type of a result: logarithms, statistics and the gradients of sinks have that of scores. */
function typeOf(problem: AttentionProblem, name: string): DType {
  if (name === 'choice') return 'int32';
  return RELATIVE.has(name) ? computeDType(problem.dtype) : gradientDType(problem, name);
}

function candidateOf(
  { problem }: Expectation,
  yardstick: Yardstick,
  actual: Values,
  name: string,
): Candidate {
  const candidate = {
    tensor: name,
    dtype: typeOf(problem, name) as FloatDType,
    shape: actual[name]!.shape,
    actual: numbersOf(actual[name]!),
    reference: yardstick.reference[name]!.data,
    naive: yardstick.naive.map((values) => () => values()[name]!.data),
    excluded: yardstick.excluded[name] ?? { flags: new Uint8Array(), depth: 1 },
    relative: RELATIVE.has(name),
  };
  if (name !== 'rowSum') return candidate;
  return {
    ...candidate,
    tensor: 'rowMax + ln rowSum',
    actual: denominator(actual),
    reference: denominator(yardstick.reference),
    naive: yardstick.naive.map((values) => () => denominator(values())),
  };
}

/**
 * The row sum counts from the row maximum that is returned with it, which has a rounding of its own: only the pair
 * says how large the denominator is. Its logarithm is what is compared.
 */
function denominator({ rowMax, rowSum }: Values): number[] {
  return Array.from(rowSum!.data, (sum, n) => (sum === 0 ? -Infinity : rowMax!.data[n]! + Math.log(sum)));
}

/**
 * Values from outside, within the bound that the same tensor has against the reference, and what their own rounding
 * needs.
 */
function compareExpected(
  expectation: Expectation,
  yardstick: Yardstick,
  actual: Values,
  comparisons: readonly Comparison[],
  { values, tolerance, source }: ExpectedValues,
): Comparison[] {
  return Object.entries(values).flatMap(([name, expected]) => {
    if (!actual[name] || !yardstick.reference[name]) return [];
    const candidate = candidateOf(expectation, yardstick, actual, name);
    const judged = comparisons.find(({ tensor }) => tensor === candidate.tensor);
    if (!judged || judged.fault !== null) return [];
    const fault = formFault(name, actual[name], actual[name].dtype, expected.shape);
    if (fault !== null) return [withoutNumbers(name, `${fault} by ${source}`)];
    const fromCase = { values: name === 'rowSum' ? denominator(values) : numbersOf(expected), tolerance };
    return [sourced(compare({ ...candidate, fromCase }), source)];
  });
}

/**
 * Hard attention may choose any of the keys that are about the best, as may whoever computed the expected values:
 * they need not choose the same one, but the right ones by the same clause.
 */
function checkExpectedChoices(expectation: Expectation, { values, source }: ExpectedValues): Comparison[] {
  return compareHard(expectation, values).map((comparison) => {
    const { fault } = comparison;
    return sourced(fault === null ? comparison : { ...comparison, fault: `expected ${fault}` }, source);
  });
}

function sourced(comparison: Comparison, source: string): Comparison {
  return comparison.fault === null ? comparison : { ...comparison, fault: `${comparison.fault} (${source})` };
}
