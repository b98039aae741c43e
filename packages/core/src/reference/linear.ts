import { cast } from '../float16.ts';
import type { LinearGradients, LinearParameters, LinearProblem } from '../linear/contract.ts';
import { CURVES } from '../linear/activation.ts';
import { referenceGate, referenceGateGradient } from './gate.ts';
import { linearGradientBy } from '../linear/gradient.ts';
import { type BlockWeight, weightNumbers } from '../linear/stored.ts';
import { type Tensor, sizeOf, zeros } from '../tensor.ts';

type Projection = Pick<Required<LinearProblem>, 'activation'> & LinearProblem;

/** The projection before a gate, whose two halves lie side by side. */
const ungated = <P extends LinearProblem>(problem: P): P & { readonly activation: null } => ({
  ...problem,
  activation: null,
  gate: false,
  outputDim: 2 * problem.outputDim,
});

/**
 * activation(x wᵀ + b) in float64, in its simplest form; with a gate, activation(first half) · second half.
 *
 * @returns float64 `[…, out]`.
 */
export function referenceLinear(
  problem: Projection,
  { weight, bias }: LinearParameters<Tensor, Tensor | BlockWeight>,
  input: Tensor,
): Tensor {
  const { activation, gate = false } = problem;
  if (gate) return referenceGate(activation, referenceLinear(ungated(problem), { weight, bias }, input));
  const numbers = weightNumbers(weight);
  const [outputs, inputs] = weight.shape as [number, number];
  const rows = sizeOf(input.shape.slice(0, -1));
  const output = zeros('float64', [...input.shape.slice(0, -1), outputs]);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += input.data[row * inputs + k]! * numbers[n * inputs + k]!;
      sum += bias?.data[n] ?? 0;
      output.data[row * outputs + n] = activation === null ? sum : CURVES[activation].at(sum);
    }
  }
  return output;
}

/** The argument of the activation and gate of {@link referenceLinear}: x wᵀ + b, in float64. */
export function referenceLinearArgument(
  problem: Projection,
  parameters: LinearParameters<Tensor>,
  input: Tensor,
): Tensor {
  const plain = problem.gate ? ungated(problem) : { ...problem, activation: null };
  return referenceLinear(plain, parameters, input);
}

/**
 * The gradients of {@link referenceLinear}, in float64.
 *
 * @param argument that of the run, `[…, out]` or `[…, 2·out]`. Default: computed again.
 */
export function referenceLinearGradient(
  problem: Required<LinearProblem>,
  { weight, bias }: LinearParameters<Tensor>,
  input: Tensor,
  dOutput: Tensor,
  argument?: Tensor,
): Promise<LinearGradients<Tensor>> {
  if (problem.gate) {
    const plain = ungated(problem);
    const z = argument ?? referenceLinear(plain, { weight, bias }, input);
    const dZ = referenceGateGradient(problem.activation, z, dOutput);
    return referenceLinearGradient(plain, { weight, bias }, input, dZ);
  }
  const exact = { ...problem, dtype: 'float64' } as const;
  return linearGradientBy(
    exact,
    { weight: cast(weight, 'float64'), bias: bias && cast(bias, 'float64') },
    cast(input, 'float64'),
    cast(dOutput, 'float64'),
    (x, w) => referenceLinear({ ...exact, activation: null }, { weight: w }, x),
    undefined,
    argument,
  );
}
