import { HeedError } from '../error.ts';
import { checkOptions } from '../options/check-options.ts';
import { flag, integer, oneOf, required } from '../options/kinds.ts';
import { type ResidentTensor, type Tensor, isResident } from '../tensor.ts';
import { toTensor } from '../tensor-like.ts';
import { ACTIVATIONS } from './activation.ts';
import type { LinearParameters, LinearProblem } from './contract.ts';

/**
 * Checks a problem and fills in its defaults.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function checkLinearProblem(problem: LinearProblem): Required<LinearProblem> {
  const kind = { clause: 'linear' };
  checkOptions('linear.compile()', problem, {
    inputDim: { ...required(integer(1)), ...kind },
    outputDim: { ...required(integer(1)), ...kind },
    dtype: { ...oneOf('float32', 'float64'), ...kind },
    bias: { ...flag, ...kind },
    activation: { ...oneOf(null, ...ACTIVATIONS), ...kind },
    gradient: { ...flag, ...kind },
  });
  const {
    inputDim,
    outputDim,
    dtype = 'float32',
    bias = false,
    activation = null,
    gradient = false,
  } = problem;
  return Object.freeze({ inputDim, outputDim, dtype, bias, activation, gradient });
}

/**
 * Checks a tensor whose last axis is known, and other axes too where `shape` names them.
 *
 * @throws HeedError `MISSING_INPUT`, `SHAPE` or `DTYPE`.
 */
export function checkLinearTensor(
  name: string,
  given: unknown,
  { dtype }: Required<LinearProblem>,
  shape: readonly (number | '…')[],
): Tensor | ResidentTensor {
  const expected = `${dtype} [${shape.join(', ')}]`;
  if (given === undefined || given === null) {
    throw new HeedError('MISSING_INPUT', `${name} is missing; expected ${expected}`, {
      clause: 'linear',
      remedy: `give ${name}`,
    });
  }
  const value = isResident(given) ? given : toTensor(name, given, 'float', dtype);
  if (value.dtype !== dtype) {
    throw new HeedError('DTYPE', `${name} is ${value.dtype}; expected ${expected}`, {
      clause: 'linear',
      remedy: 'compile the kernel with the dtype of its inputs',
    });
  }
  const lengths = shape.filter((length) => length !== '…');
  const rank = value.shape.length;
  const fits =
    (shape[0] === '…' ? rank >= lengths.length : rank === lengths.length) &&
    lengths.every((length, n) => value.shape[rank - lengths.length + n] === length);
  if (fits) return value;
  throw new HeedError('SHAPE', `${name} is [${value.shape.join(', ')}]; expected ${expected}`, {
    clause: 'linear',
    remedy: `give ${name} the shape [${shape.join(', ')}]`,
  });
}

/** @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`. */
export function checkLinearParameters(
  problem: Required<LinearProblem>,
  given: LinearParameters,
): LinearParameters<Tensor | ResidentTensor> {
  checkOptions('pack()', given, { weight: true, bias: true });
  const { inputDim, outputDim } = problem;
  const weight = checkLinearTensor('weight', given.weight, problem, [outputDim, inputDim]);
  if (problem.bias) return { weight, bias: checkLinearTensor('bias', given.bias, problem, [outputDim]) };
  if (given.bias === undefined) return { weight };
  throw new HeedError('UNEXPECTED_INPUT', 'bias is given; the problem has none', {
    clause: 'linear',
    remedy: 'leave it out, or compile with bias: true',
  });
}
