import type { NormForward, NormGradientNames, NormInputs, NormProblem, Tensor, Tensors } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { referenceNorm, referenceNormGradient } from '@heed/core/reference';
import { type Arithmetic, arithmeticsFor, eachTerm } from './arithmetic.ts';
import { once } from './once.ts';
import { expectedOf, faultOf } from './tensor-fault.ts';

type Problem = Required<NormProblem>;

function naiveSum(count: number, arithmetic: Arithmetic, term: (n: number) => number): number {
  let sum = 0;
  eachTerm(count, arithmetic, (n) => (sum = arithmetic.round(sum + term(n))));
  return sum;
}

/** Row by row, one loop for each mean, every operation rounded. */
function normalized(
  { kind, epsilon, width }: Problem,
  { data }: Tensor,
  at: number,
  arithmetic: Arithmetic,
): { readonly n: readonly number[]; readonly r: number } {
  const { round } = arithmetic;
  const mean = kind === 'rms' ? 0 : round(naiveSum(width, arithmetic, (e) => data[at + e]!) / width);
  const centered = Array.from({ length: width }, (_, e) => round(data[at + e]! - mean));
  const v = round(naiveSum(width, arithmetic, (e) => round(centered[e]! * centered[e]!)) / width);
  const r = round(1 / round(Math.sqrt(round(v + epsilon))));
  return { n: centered.map((x) => round(x * r)), r };
}

function naive(problem: Problem, inputs: NormInputs<Tensor>, arithmetic: Arithmetic): Tensor {
  const { input, weight, bias } = inputs;
  const { round } = arithmetic;
  const { width } = problem;
  const output = zeros(problem.dtype, input.shape);
  for (let at = 0; at < input.data.length; at += width) {
    const { n } = normalized(problem, input, at, arithmetic);
    n.forEach((x, e) => {
      const scaled = round(x * weight.data[e]!);
      output.data[at + e] = bias === undefined ? scaled : round(scaled + bias.data[e]!);
    });
  }
  return output;
}

function naiveGradient(
  problem: Problem,
  { input, weight, bias }: NormInputs<Tensor>,
  { dOutput, dResidual }: NormForward<Tensor>,
  arithmetic: Arithmetic,
): Tensors<NormGradientNames, Tensor> {
  const { round } = arithmetic;
  const { width, kind, dtype } = problem;
  const dInput = zeros(dtype, input.shape);
  const [dWeight, dBias] = [zeros(dtype, [width]), zeros(dtype, [width])];
  eachTerm(input.data.length / width, arithmetic, (row) => {
    const at = row * width;
    const d = Array.from({ length: width }, (_, e) => dOutput.data[at + e]!);
    if (d.every((x) => x === 0)) {
      if (dResidual) dInput.data.set(dResidual.data.slice(at, at + width), at);
      return;
    }
    const { n, r } = normalized(problem, input, at, arithmetic);
    const dN = d.map((x, e) => round(x * weight.data[e]!));
    const mean = kind === 'rms' ? 0 : round(naiveSum(width, arithmetic, (e) => dN[e]!) / width);
    const along = round(naiveSum(width, arithmetic, (e) => round(dN[e]! * n[e]!)) / width);
    for (let e = 0; e < width; e++) {
      const inner = round(round(dN[e]! - mean) - round(n[e]! * along));
      const own = round(r * inner);
      dInput.data[at + e] = dResidual ? round(own + dResidual.data[at + e]!) : own;
      dWeight.data[e] = round(dWeight.data[e]! + round(d[e]! * n[e]!));
      dBias.data[e] = round(dBias.data[e]! + d[e]!);
    }
  });
  return { dInput, dWeight, ...(bias && { dBias }) };
}

/** Error in the output of a norm; null if there is none. */
export function normFault(problem: Problem, inputs: NormInputs<Tensor>, actual: Tensor): string | null {
  const reference = referenceNorm(problem, inputs);
  const ways = arithmeticsFor(problem.dtype, reference.data.length).map(
    (arithmetic) => () => naive(problem, inputs, arithmetic),
  );
  return faultOf('output', actual, expectedOf(reference, ways, problem.dtype), problem.dtype);
}

/** Error in the gradients of a norm; null if there is none. */
export function normGradientFault(
  problem: Problem,
  inputs: NormInputs<Tensor>,
  forward: NormForward<Tensor>,
  actual: Readonly<Partial<Record<keyof NormGradientNames, Tensor>>>,
): string | null {
  const reference = referenceNormGradient(problem, inputs, forward);
  const ways = arithmeticsFor(problem.dtype, forward.dOutput.data.length).map((arithmetic) =>
    once(() => naiveGradient(problem, inputs, forward, arithmetic)),
  );
  for (const name of ['dInput', 'dWeight', 'dBias'] as const) {
    const expected = reference[name];
    if ((actual[name] === undefined) !== (expected === undefined))
      return `${name} is there only if the problem has it`;
    if (expected === undefined) continue;
    const ofName = ways.map((gradients) => () => gradients()[name]!);
    const fault = faultOf(name, actual[name]!, expectedOf(expected, ofName, problem.dtype), problem.dtype);
    if (fault !== null) return fault;
  }
  return null;
}
