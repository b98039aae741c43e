import type {
  BlockWeight,
  ComputeDType,
  LinearGradients,
  LinearParameters,
  LinearProblem,
  Tensor,
} from '@heed/core';
import {
  BLOCK_BYTES,
  BLOCK_LENGTH,
  CURVES,
  fromFloat16,
  isBlockType,
  linearGradientBy,
  sizeOf,
  weightNumbers,
  zeros,
} from '@heed/core/backend';
import { referenceLinear, referenceLinearGradient } from '@heed/core/reference';
import { type Arithmetic, arithmeticsFor, eachTerm } from './arithmetic.ts';
import { type Expected, expectedOf, faultOf } from './tensor-fault.ts';

type Problem = Required<LinearProblem>;
type Parameters = LinearParameters<Tensor>;
type AnyParameters = LinearParameters<Tensor, Tensor | BlockWeight>;

/** Ends a sum: bias, activation, rounding. */
type Finish = (sum: number, n: number) => number;

/** x wᵀ with a loop for each sum, which `sumOf` runs. */
function naiveBy(
  problem: Problem,
  { weight, bias }: AnyParameters,
  x: Tensor,
  { round }: Arithmetic,
  sumOf: (x: (k: number) => number, n: number) => number,
): Tensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const rows = sizeOf(x.shape.slice(0, -1));
  const output = zeros(problem.dtype, [...x.shape.slice(0, -1), outputs]);
  const finish: Finish = (sum, n) => {
    const biased = bias === undefined ? sum : round(sum + bias.data[n]!);
    return round(problem.activation === null ? biased : CURVES[problem.activation].at(biased));
  };
  for (let row = 0; row < rows; row++) {
    const element = (k: number): number => x.data[row * inputs + k]!;
    for (let n = 0; n < outputs; n++) output.data[row * outputs + n] = finish(sumOf(element, n), n);
  }
  return output;
}

/** The naive computation: one loop for each sum, every operation rounded. */
function naive(problem: Problem, parameters: AnyParameters, x: Tensor, arithmetic: Arithmetic): Tensor {
  if (problem.gate) return naiveGate(problem, naive(ungated(problem), parameters, x, arithmetic), arithmetic);
  const { round } = arithmetic;
  const inputs = parameters.weight.shape[1]!;
  // Numbers of blocks may need more bits than float32 has.
  const numbers = Float64Array.from(weightNumbers(parameters.weight), round);
  return naiveBy(problem, parameters, x, arithmetic, (element, n) => {
    let sum = 0;
    eachTerm(inputs, arithmetic, (k) => {
      sum = round(sum + round(element(k) * numbers[n * inputs + k]!));
    });
    return sum;
  });
}

/** The projection before a gate. */
const ungated = (problem: Problem): Problem => ({
  ...problem,
  activation: null,
  gate: false,
  outputDim: 2 * problem.outputDim,
});

/** f(first half) · second half, every operation rounded. */
function naiveGate({ activation, outputDim, dtype }: Problem, z: Tensor, { round }: Arithmetic): Tensor {
  const output = zeros(dtype, [...z.shape.slice(0, -1), outputDim]);
  for (let n = 0; n < output.data.length; n++) {
    const at = n + Math.floor(n / outputDim) * outputDim;
    const first = z.data[at]!;
    output.data[n] = round(
      round(activation === null ? first : CURVES[activation].at(first)) * z.data[at + outputDim]!,
    );
  }
  return output;
}

/** The gradient of z, every operation rounded. */
function naiveGateGradient(
  { activation, outputDim, dtype }: Problem,
  z: Tensor,
  dOutput: Tensor,
  { round }: Arithmetic,
): Tensor {
  const dZ = zeros(dtype, z.shape);
  dOutput.data.forEach((d, n) => {
    if (d === 0) return;
    const at = n + Math.floor(n / outputDim) * outputDim;
    const [first, second] = [z.data[at]!, z.data[at + outputDim]!];
    const [f, slope] =
      activation === null
        ? [first, 1]
        : [round(CURVES[activation].at(first)), round(CURVES[activation].slope(first))];
    dZ.data[at] = round(round(d * second) * slope);
    dZ.data[at + outputDim] = round(d * f);
  });
  return dZ;
}

/** The naive computation with blocks: Σ d (Σ q x) + m (Σ x), every operation rounded. */
function naiveOfBlocks(
  problem: Problem,
  parameters: LinearParameters<Tensor, BlockWeight>,
  x: Tensor,
  arithmetic: Arithmetic,
): Tensor {
  if (problem.gate)
    return naiveGate(problem, naiveOfBlocks(ungated(problem), parameters, x, arithmetic), arithmetic);
  const { round } = arithmetic;
  const { weight } = parameters;
  const inputs = weight.shape[1]!;
  const parts = partsOf(weight);
  return naiveBy(problem, parameters, x, arithmetic, (element, n) => {
    let sum = 0;
    eachTerm(inputs / BLOCK_LENGTH, arithmetic, (block) => {
      const { scale, minimum, q } = parts[(n * inputs) / BLOCK_LENGTH + block]!;
      let products = 0;
      let ofX = 0;
      for (let i = 0; i < BLOCK_LENGTH; i++) {
        const value = element(block * BLOCK_LENGTH + i);
        products = round(products + round(value * q[i]!));
        ofX = round(ofX + value);
      }
      sum = round(sum + round(scale * products));
      if (minimum !== 0) sum = round(sum + round(minimum * ofX));
    });
    return sum;
  });
}

interface Block {
  readonly scale: number;
  readonly minimum: number;
  readonly q: readonly number[];
}

/** Scale, minimum and integers of every block; those of q4_0 less 8. */
function partsOf({ dtype, data }: BlockWeight): Block[] {
  const bytes = BLOCK_BYTES[dtype];
  const half = (at: number): number => fromFloat16(data[at]! | (data[at + 1]! << 8));
  return Array.from({ length: data.length / bytes }, (_, n) => {
    const block: Uint8Array = data.subarray(n * bytes, (n + 1) * bytes);
    const scale = half(n * bytes);
    if (dtype === 'q8_0')
      return { scale, minimum: 0, q: Array.from(block.subarray(2), (b) => (b << 24) >> 24) };
    const pairs = block.subarray(-BLOCK_LENGTH / 2);
    const q = [...Array.from(pairs, (b) => b & 15), ...Array.from(pairs, (b) => b >> 4)];
    return dtype === 'q4_0'
      ? { scale, minimum: 0, q: q.map((value) => value - 8) }
      : { scale, minimum: half(n * bytes + 2), q };
  });
}

/** Kept, so that verifying a second backend does not compute the reference again. */
const expectations = new Map<string, Expected>();

/**
 * Error in the output of a projection; null if there is none.
 *
 * @param seed the seed that determines problem, parameters and input, if any does.
 */
export function linearFault(
  problem: Problem,
  parameters: AnyParameters,
  input: Tensor,
  actual: Tensor,
  seed?: string,
): string | null {
  const known = seed === undefined ? undefined : expectations.get(seed);
  const expected = known ?? outputExpected(problem, parameters, input);
  if (seed !== undefined) expectations.set(seed, expected);
  return faultOf('output', actual, expected, problem.dtype);
}

/** Error in the output of a projection with a residual; null if there is none. */
export function residualFault(
  problem: Problem,
  parameters: Parameters,
  input: Tensor,
  residual: Tensor,
  actual: Tensor,
): string | null {
  const added = (plain: Tensor, round: (sum: number) => number): Tensor =>
    ({ ...plain, data: plain.data.map((x, n) => round(x + residual.data[n]!)) }) as Tensor;
  const reference = added(referenceLinear(problem, parameters, input), (sum) => sum);
  const ways = arithmeticsFor(problem.dtype, reference.data.length).map(
    (arithmetic) => () => added(naive(problem, parameters, input, arithmetic), arithmetic.round),
  );
  return faultOf('output', actual, expectedOf(reference, ways, problem.dtype), problem.dtype);
}

function outputExpected(problem: Problem, parameters: AnyParameters, input: Tensor): Expected {
  const reference = referenceLinear(problem, parameters, input);
  const { weight, bias } = parameters;
  const ways = arithmeticsFor(problem.dtype, reference.data.length).flatMap((arithmetic) => [
    () => naive(problem, parameters, input, arithmetic),
    ...(isBlockType(weight.dtype)
      ? [() => naiveOfBlocks(problem, { weight: weight as BlockWeight, bias }, input, arithmetic)]
      : []),
  ]);
  return expectedOf(reference, ways, problem.dtype);
}

/** The sum over rows, every addition rounded. */
export function naiveSum(
  { dtype, shape, data }: Tensor<ComputeDType>,
  arithmetic: Arithmetic,
): Tensor<ComputeDType> {
  const [rows, width] = shape as [number, number];
  const result = zeros(dtype, [width]);
  for (let n = 0; n < width; n++) {
    let sum = 0;
    eachTerm(rows, arithmetic, (row) => (sum = arithmetic.round(sum + data[row * width + n]!)));
    result.data[n] = sum;
  }
  return result;
}

/**
 * Error in the gradients of a projection; null if there is none.
 *
 * @param argument of activation and gate, which the gradients are computed from. Default: that of the input.
 */
export async function linearGradientFault(
  problem: Problem,
  parameters: Parameters,
  input: Tensor,
  dOutput: Tensor,
  actual: LinearGradients<Tensor>,
  argument?: Tensor,
): Promise<string | null> {
  const reference = await referenceLinearGradient(problem, parameters, input, dOutput, argument);
  const before = problem.gate ? ungated(problem) : problem;
  const plain: Problem = { ...before, activation: null };
  const naiveGradients = (arithmetic: Arithmetic): Promise<LinearGradients<Tensor>> =>
    linearGradientBy(
      before,
      parameters,
      input,
      problem.gate
        ? naiveGateGradient(
            problem,
            argument ?? naive(before, parameters, input, arithmetic),
            dOutput,
            arithmetic,
          )
        : dOutput,
      (x, weight) => naive(plain, { weight }, x, arithmetic),
      (dZ) => naiveSum(dZ, arithmetic),
      argument,
    );
  const { dtype } = problem;
  const names = ['dInput', 'dWeight', ...(problem.bias ? (['dBias'] as const) : [])] as const;
  const expected = names.map((name) => [name, expectedOf(reference[name]!, [], dtype)] as const);
  const firstFault = (): string | null => {
    const faults = expected.map(([name, of]) => faultOf(name, actual[name]!, of, dtype));
    return faults.find((fault) => fault !== null) ?? null;
  };
  for (const arithmetic of arithmeticsFor(dtype, dOutput.data.length)) {
    if (firstFault() === null) return null;
    const gradients = await naiveGradients(arithmetic);
    for (const [name, { bound }] of expected) bound.grow(gradients[name]!.data);
  }
  return firstFault();
}
