import { HeedError } from './error.ts';
import { computeDType } from './float16.ts';
import { checkOptions } from './options/check-options.ts';
import { integer, required } from './options/kinds.ts';
import { shown } from './options/shown.ts';
import type { AttentionInputs, GradientInputs } from './inputs.ts';
import type { AttentionProblem, BroadcastShape } from './problem.ts';
import { type DType, type ResidentTensor, type Tensor, checkTensor, isResident } from './tensor.ts';

type Axis = readonly [letter: string, length: number];

/** Expected type and shape of an input. Axes are named, so that errors can use dimension letters. */
interface Expectation {
  readonly dtype: DType;
  readonly axes: readonly Axis[];
  readonly clause: string;
  /** True if leading axes of length 1 may be omitted or added, as in a mask, which is right-aligned. */
  readonly broadcast?: boolean;
  /** True if engines read it on the host. */
  readonly onHost?: boolean;
}

/** The axes of `[B, H, L, D]` in the problem's layout. */
function layoutAxes(
  { layout }: AttentionProblem,
  batch: Axis,
  heads: Axis,
  length: Axis,
  depth: Axis,
): Axis[] {
  return layout === 'bhld' ? [batch, heads, length, depth] : [batch, length, heads, depth];
}

/** The axes of keys or values, whose rows have `depth`, as the problem stores them. */
function cacheAxes(problem: AttentionProblem, depth: Axis): Axis[] {
  const { kvBatch, kvHeads, keyLength, pages } = problem;
  const heads: Axis = ['Hkv', kvHeads];
  return pages === null
    ? layoutAxes(problem, ['B', kvBatch], heads, ['Lk', keyLength], depth)
    : layoutAxes(problem, ['pages', pages.count], heads, ['page size', pages.size], depth);
}

/** The last axis of keys or values: an element of `int4x2` has two numbers. */
function elementsAxis({ cacheType }: AttentionProblem, letter: string, depth: number): Axis {
  return cacheType === 'int4x2' ? [`${letter}/2`, depth / 2] : [letter, depth];
}

/** Cache for problems in their normal form, which never change: a kernel checks the inputs of every run. */
const remembered = new WeakMap<AttentionProblem, Map<keyof AttentionInputs, Expectation>>();

/** Returns every tensor of the problem, in the order of the checks. */
function expectations(problem: AttentionProblem): Map<keyof AttentionInputs, Expectation> {
  const result = remembered.get(problem) ?? newExpectations(problem);
  if (Object.isFrozen(problem)) remembered.set(problem, result);
  return result;
}

function newExpectations(problem: AttentionProblem): Map<keyof AttentionInputs, Expectation> {
  const { dtype, cacheType } = problem;
  const batch: Axis = ['B', problem.batch];
  const heads: Axis = ['Hq', problem.heads];
  const queries: Axis = ['Lq', problem.queryLength];
  const keys: Axis = ['Lk', problem.keyLength];
  const depth: Axis = ['D', problem.headDim];
  const result = new Map<keyof AttentionInputs, Expectation>();
  const expect = (name: keyof AttentionInputs, type: DType, axes: readonly Axis[], clause: string): void => {
    result.set(name, { dtype: type, axes, clause });
  };
  const expectBroadcast = (name: 'mask' | 'bias', type: DType, shape: BroadcastShape): void => {
    const axes = shape.map((length, axis): Axis => [['B', 'Hq', 'Lq', 'Lk'][axis]!, length]);
    result.set(name, { dtype: type, axes, clause: name, broadcast: true });
  };

  expect('query', dtype, layoutAxes(problem, batch, heads, queries, depth), 'shape');
  expect('key', cacheType, cacheAxes(problem, elementsAxis(problem, 'D', problem.headDim)), 'shape');
  const isApart = problem.valueFromKey === null;
  const valueAxis = isApart
    ? elementsAxis(problem, 'Dv', problem.valueDim)
    : elementsAxis(problem, 'D', problem.headDim);
  expect('value', cacheType, cacheAxes(problem, valueAxis), 'shape');
  if (problem.groups !== null) {
    const { key, value } = problem.groups;
    expect('keyScales', 'float32', cacheAxes(problem, ['D/group', problem.headDim / key]), 'cache');
    if (isApart)
      expect('valueScales', 'float32', cacheAxes(problem, ['Dv/group', problem.valueDim / value]), 'cache');
  }
  if (problem.mask !== null) {
    expectBroadcast('mask', problem.mask.kind === 'boolean' ? 'bool' : dtype, problem.mask.shape);
  }
  if (problem.bias !== null) expectBroadcast('bias', dtype, problem.bias.shape);
  if (problem.pages !== null) {
    const columns: Axis = ['Lk / page size', problem.keyLength / problem.pages.size];
    result.set('blockTable', { dtype: 'int32', axes: [batch, columns], clause: 'pages', onHost: true });
  }
  const expectOnHost = (name: keyof AttentionInputs, clause: string): void => {
    result.set(name, { dtype: 'int32', axes: [batch], clause, onHost: true });
  };
  if (problem.alignment === 'offset') expectOnHost('offsets', 'alignment');
  if (problem.lengths.key) expectOnHost('keyLengths', 'lengths');
  if (problem.lengths.keyStart) expectOnHost('keyStarts', 'lengths');
  if (problem.lengths.query) expectOnHost('queryLengths', 'lengths');
  if (problem.segments) {
    expect('querySegments', 'int32', [batch, queries], 'segments');
    expect('keySegments', 'int32', [batch, keys], 'segments');
  }
  if (problem.alibi) expect('alibiSlopes', computeDType(dtype), [heads], 'alibi');
  if (problem.sinks) expect('sinks', computeDType(dtype), [heads], 'sinks');
  return result;
}

function checkExpected(
  name: string,
  value: Tensor | ResidentTensor | undefined,
  expected: Expectation,
): void {
  const letters = (): string =>
    `[${expected.axes.map(([letter, length]) => `${letter}=${length}`).join(', ')}]`;
  if (value === undefined) {
    throw new HeedError('MISSING_INPUT', `${name} is missing; expected ${expected.dtype} ${letters()}`, {
      clause: expected.clause,
      remedy: `give ${name} with these axes`,
    });
  }
  if (expected.onHost || !isResident(value)) checkTensor(name, value);
  if (value.dtype !== expected.dtype) {
    const isMask = name === 'mask';
    const types =
      isMask && expected.dtype !== 'bool' ? `bool (true may attend) or ${expected.dtype}` : expected.dtype;
    throw new HeedError('DTYPE', `${name} is ${value.dtype}; expected ${types} ${letters()}`, {
      clause: expected.clause,
      remedy:
        isMask && value.dtype === 'int32'
          ? 'give 0 and 1 as booleans, Uint8Array.from(data): floats are added to the scores'
          : `give ${name} as ${expected.dtype}`,
    });
  }
  const lengths = expected.axes.map(([, length]) => length);
  const fits = expected.broadcast
    ? value.shape.length <= 4 && sameShape(withoutLeadingOnes(value.shape), withoutLeadingOnes(lengths))
    : sameShape(value.shape, lengths);
  if (!fits) {
    throw new HeedError('SHAPE', `${name} is [${value.shape.join(', ')}]; expected ${letters()}`, {
      clause: expected.clause,
      remedy: `give ${name} with these axes, in this order`,
    });
  }
}

function withoutLeadingOnes(shape: readonly number[]): readonly number[] {
  const first = shape.findIndex((length) => length !== 1);
  return first === -1 ? [] : shape.slice(first);
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

function checkLengths(
  name: string,
  lengths: Tensor<'int32'> | undefined,
  letter: string,
  most: number,
): void {
  const wrong = lengths?.data.find((length) => length < 0 || length > most);
  if (wrong !== undefined) {
    throw new HeedError('ARGUMENT', `${name} has ${wrong}; expected 0 to ${letter}=${most}`, {
      clause: 'lengths',
      remedy: 'give the count of each batch element in that range',
    });
  }
}

function checkBlockTable({ pages }: AttentionProblem, { blockTable }: AttentionInputs): void {
  const wrong = pages && blockTable?.data.find((page) => page < -1 || page >= pages.count);
  if (wrong === undefined || wrong === null) return;
  throw new HeedError('ARGUMENT', `blockTable has ${wrong}; expected −1 or 0 to ${pages!.count - 1}`, {
    clause: 'pages',
    remedy: 'name a page of the pool, or −1 where the batch element has none',
  });
}

function checkSeed(problem: AttentionProblem, seed: number | undefined): void {
  const drops = problem.dropout !== null;
  if (problem.selection !== 'sample' && !drops) {
    if (seed !== undefined) {
      throw new HeedError('UNEXPECTED_INPUT', "seed requires selection: 'sample', or dropout", {
        clause: 'selection',
        remedy: "leave out seed, or set selection: 'sample'",
      });
    }
    return;
  }
  const clause = drops ? 'dropout' : 'selection';
  const remedy = `give an integer: the same seed ${drops ? 'drops the same weights' : 'makes the same choices'}`;
  if (seed === undefined) {
    const owner = drops ? 'dropout' : "selection 'sample'";
    throw new HeedError('MISSING_INPUT', `seed is missing; ${owner} requires one`, { clause, remedy });
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new HeedError('ARGUMENT', `seed is ${shown(seed)}; expected an integer, 0 ≤ seed < 2⁵³`, {
      clause,
      remedy,
    });
  }
}

function checkOrigin(problem: AttentionProblem, origin: AttentionInputs['origin']): void {
  if (!problem.origin) {
    if (origin === undefined) return;
    throw new HeedError('UNEXPECTED_INPUT', 'origin is given, the problem does not have it', {
      clause: 'origin',
      remedy: 'derive the problem and the inputs from one request with resolveRequest()',
    });
  }
  if (origin === undefined) {
    throw new HeedError('MISSING_INPUT', 'origin is missing, the problem has one', {
      clause: 'origin',
      remedy: 'give { batch, head, query, key }, indices of the first ones in the larger problem',
    });
  }
  const index = required(integer(0, 2 ** 31 - 1));
  checkOptions('origin', origin, { batch: index, head: index, query: index, key: index });
}

/**
 * Checks the inputs of a run against its problem.
 *
 * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `DTYPE`, `SHAPE` or `ARGUMENT`.
 */
export function checkInputs(problem: AttentionProblem, inputs: AttentionInputs): void {
  if (typeof inputs !== 'object' || inputs === null) {
    throw new HeedError('MISSING_INPUT', `the inputs are ${shown(inputs)}; expected query, key and value`, {
      remedy: 'derive the problem and the inputs from one request with resolveRequest()',
    });
  }
  const expected = expectations(problem);
  for (const [name, expectation] of expected) {
    checkExpected(name, inputs[name] as Tensor | ResidentTensor | undefined, expectation);
  }
  for (const [name, value] of Object.entries(inputs)) {
    if (
      value !== undefined &&
      name !== 'seed' &&
      name !== 'origin' &&
      !expected.has(name as keyof AttentionInputs)
    ) {
      throw new HeedError('UNEXPECTED_INPUT', `unexpected ${name}; the problem does not have it`, {
        remedy: 'derive the problem and the inputs from one request with resolveRequest()',
      });
    }
  }
  // The keys of a ring are counted on and on.
  const [letter, most] = problem.ring
    ? (['int32', 2 ** 31 - 1] as const)
    : (['Lk', problem.keyLength] as const);
  checkLengths('keyLengths', inputs.keyLengths, letter, most);
  checkLengths('keyStarts', inputs.keyStarts, letter, most);
  checkLengths('queryLengths', inputs.queryLengths, 'Lq', problem.queryLength);
  checkBlockTable(problem, inputs);
  checkSeed(problem, inputs.seed);
  checkOrigin(problem, inputs.origin);
}

/**
 * Checks the arguments that gradient() takes besides the inputs.
 *
 * @throws HeedError `NOT_DIFFERENTIABLE`, `MISSING_INPUT`, `DTYPE` or `SHAPE`.
 */
export function checkGradientInputs(problem: AttentionProblem, forward: GradientInputs): void {
  if (!problem.gradient) {
    throw new HeedError('NOT_DIFFERENTIABLE', 'the problem was compiled without a gradient', {
      clause: 'gradient',
      remedy: 'set gradient: true in the request or problem',
    });
  }
  const { dtype } = problem;
  const clause = 'gradient';
  if (typeof forward !== 'object' || forward === null) {
    throw new HeedError('MISSING_INPUT', 'the results of the forward run are missing', {
      clause,
      remedy: 'give { output, statistics, dOutput }, the first two as run() returned them',
    });
  }
  const batch: Axis = ['B', problem.batch];
  const heads: Axis = ['Hq', problem.heads];
  const queries: Axis = ['Lq', problem.queryLength];
  const like = { dtype, clause, axes: layoutAxes(problem, batch, heads, queries, ['Dv', problem.valueDim]) };
  const row = { dtype: computeDType(dtype), clause, axes: [batch, heads, queries] as const };
  checkExpected('output', forward.output, like);
  checkExpected('statistics.rowMax', forward.statistics?.rowMax, row);
  checkExpected('statistics.rowSum', forward.statistics?.rowSum, row);
  checkExpected('dOutput', forward.dOutput, like);
  const { isPart } = forward;
  if (isPart === undefined || typeof isPart === 'boolean') return;
  throw new HeedError('ARGUMENT', `isPart is ${shown(isPart)}; expected true or false`, {
    clause,
    remedy: 'set isPart to true if output is that of more keys than the inputs have, or leave it out',
  });
}
