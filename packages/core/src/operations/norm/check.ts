import { checkOptions } from '../../options/check-options.ts';
import { flag, integer, number, oneOf, required } from '../../options/kinds.ts';
import type { ResidentTensor, Tensor } from '../../tensor.ts';
import { checkLinearTensor, unexpected } from '../../linear/check.ts';
import type { NormForward, NormInputs, NormProblem } from './contract.ts';

type Checked = Tensor | ResidentTensor;

/**
 * Checks a problem and fills in its defaults.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function checkNormProblem(problem: NormProblem): Required<NormProblem> {
  const kind = { clause: 'norm' };
  checkOptions('norm.compile()', problem, {
    kind: { ...required(oneOf('layer', 'rms')), ...kind },
    width: { ...required(integer(1)), ...kind },
    dtype: { ...oneOf('float32', 'float64'), ...kind },
    epsilon: { ...number('a finite number above 0', (x) => x > 0 && x < Infinity), ...kind },
    bias: { ...flag, ...kind },
    gradient: { ...flag, ...kind },
  });
  const { epsilon = problem.kind === 'layer' ? 1e-5 : 1e-6 } = problem;
  const { dtype = 'float32', bias = false, gradient = false } = problem;
  return Object.freeze({ kind: problem.kind, width: problem.width, dtype, epsilon, bias, gradient });
}

/** @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkNormInputs(problem: Required<NormProblem>, given: NormInputs): NormInputs<Checked> {
  checkOptions('inputs', given, { input: true, weight: true, bias: true });
  const { width } = problem;
  const input = checkLinearTensor('input', given.input, problem, ['…', width], 'norm');
  const weight = checkLinearTensor('weight', given.weight, problem, [width], 'norm');
  if (problem.bias)
    return { input, weight, bias: checkLinearTensor('bias', given.bias, problem, [width], 'norm') };
  if (given.bias !== undefined) throw unexpected('bias', 'norm');
  return { input, weight };
}

/** @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkNormForward(
  problem: Required<NormProblem>,
  given: NormForward,
  { input }: NormInputs<Checked>,
): NormForward<Checked> {
  checkOptions('gradient()', given, { dOutput: true, dResidual: true });
  const check = (name: 'dOutput' | 'dResidual'): Checked =>
    checkLinearTensor(name, given[name], problem, input.shape, 'norm');
  return {
    dOutput: check('dOutput'),
    ...(given.dResidual !== undefined && { dResidual: check('dResidual') }),
  };
}
