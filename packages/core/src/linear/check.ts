import { HeedError } from '../error.ts';
import type { Operation } from '../features.ts';
import { checkOptions } from '../options/check-options.ts';
import { flag, integer, oneOf, required } from '../options/kinds.ts';
import { type FloatDType, type ResidentTensor, type Tensor, isResident } from '../tensor.ts';
import { toTensor } from '../tensor-like.ts';
import { kindOf, shown } from '../options/shown.ts';
import { ACTIVATIONS } from './activation.ts';
import type { LinearParameters, LinearProblem } from './contract.ts';
import {
  BLOCK_BYTES,
  BLOCK_LENGTH,
  type BlockType,
  type BlockWeight,
  STORED_TYPES,
  type StoredType,
  type StoredWeight,
  isBlockType,
  isStoredType,
} from './stored.ts';

/**
 * Checks a problem and fills in its defaults.
 *
 * @throws HeedError `UNKNOWN_OPTION`, `ARGUMENT` or `NOT_DIFFERENTIABLE`.
 */
export function checkLinearProblem(problem: LinearProblem): Required<LinearProblem> {
  const kind = { clause: 'linear' };
  checkOptions('linear.compile()', problem, {
    inputDim: { ...required(integer(1)), ...kind },
    outputDim: { ...required(integer(1)), ...kind },
    dtype: { ...oneOf('float32', 'float64'), ...kind },
    weightType: { ...oneOf('float32', 'float64', ...STORED_TYPES), ...kind },
    bias: { ...flag, ...kind },
    activation: { ...oneOf(null, ...ACTIVATIONS), ...kind },
    gate: { ...flag, ...kind },
    gradient: { ...flag, ...kind },
    argument: { ...flag, ...kind },
  });
  const {
    inputDim,
    outputDim,
    dtype = 'float32',
    bias = false,
    activation = null,
    gate = false,
    gradient = false,
    argument = false,
    weightType = dtype,
  } = problem;
  const checked = { inputDim, outputDim, dtype, weightType, bias, activation, gate, gradient, argument };
  if (argument && (!gradient || (activation === null && !gate))) {
    const given = gradient ? 'neither activation nor gate' : 'no gradient';
    throw new HeedError(
      'ARGUMENT',
      `linear.compile(): argument with ${given}; expected a gradient to use it`,
      {
        clause: 'linear',
        remedy: gradient ? 'leave out argument: the output is the sum itself' : 'compile with gradient: true',
      },
    );
  }
  if (weightType !== dtype) checkStored(checked);
  return Object.freeze(checked);
}

/** Checks a problem whose weights have another type than its activations. */
function checkStored({ dtype, weightType, inputDim, gradient }: Required<LinearProblem>): void {
  if (dtype !== 'float32' || !isStoredType(weightType)) {
    throw new HeedError('ARGUMENT', `linear.compile(): weightType is ${weightType} and dtype ${dtype}`, {
      clause: 'linear',
      remedy: isStoredType(weightType) ? "compile with dtype: 'float32'" : 'leave out weightType',
    });
  }
  if (isBlockType(weightType) && inputDim % BLOCK_LENGTH !== 0) {
    const expected = `a multiple of ${BLOCK_LENGTH}, the length of a block of ${weightType}`;
    throw new HeedError('ARGUMENT', `linear.compile(): inputDim is ${inputDim}; expected ${expected}`, {
      clause: 'linear',
      remedy: 'decode the weight, and compile without weightType',
    });
  }
  if (!gradient) return;
  throw new HeedError('NOT_DIFFERENTIABLE', `linear.compile(): gradient with weights in ${weightType}`, {
    clause: 'linear',
    remedy: 'compile without gradient, or decode the weight',
  });
}

/**
 * Checks a tensor whose last axis is known, and other axes too where `shape` names them.
 *
 * @throws HeedError `MISSING_INPUT`, `SHAPE` or `DTYPE`.
 */
export function checkLinearTensor(
  name: string,
  given: unknown,
  { dtype }: { readonly dtype: FloatDType },
  shape: readonly (number | '…')[],
  clause: Operation = 'linear',
): Tensor | ResidentTensor {
  const expected = `${dtype} [${shape.join(', ')}]`;
  if (given === undefined || given === null) {
    throw new HeedError('MISSING_INPUT', `${name} is missing; expected ${expected}`, {
      clause,
      remedy: `give ${name}`,
    });
  }
  const value = isResident(given) ? given : toTensor(name, given, 'float', dtype);
  if (value.dtype !== dtype) {
    throw new HeedError('DTYPE', `${name} is ${value.dtype}; expected ${expected}`, {
      clause,
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
    clause,
    remedy: `give ${name} the shape [${shape.join(', ')}]`,
  });
}

/** Parameters after the check: stored weights stay plain. */
export type CheckedParameters = LinearParameters<
  Tensor | ResidentTensor,
  Tensor | ResidentTensor | StoredWeight
>;

/** @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE`, `DTYPE` or `ARGUMENT`. */
export function checkLinearParameters(
  problem: Required<LinearProblem>,
  given: { readonly weight: unknown; readonly bias?: unknown },
): CheckedParameters {
  checkOptions('pack()', given, { weight: true, bias: true });
  const { inputDim, outputDim, weightType } = problem;
  const width = problem.gate ? 2 * outputDim : outputDim;
  const shape = [width, inputDim];
  const weight = isStoredType(weightType)
    ? checkStoredWeight(given.weight, weightType, shape)
    : checkLinearTensor('weight', given.weight, problem, shape);
  if (problem.bias) return { weight, bias: checkLinearTensor('bias', given.bias, problem, [width]) };
  if (given.bias === undefined) return { weight };
  throw unexpected('bias', 'linear');
}

/** The error for an input that the problem does not have. */
export function unexpected(name: string, clause: Operation): HeedError {
  return new HeedError('UNEXPECTED_INPUT', `unexpected ${name}; the problem does not have it`, {
    clause,
    remedy: `leave it out, or compile with ${name}: true`,
  });
}

function checkStoredWeight(given: unknown, type: StoredType, shape: readonly number[]): StoredWeight {
  if (isBlockType(type)) return checkBlocks(given, type, shape);
  const problem = { dtype: type };
  const weight = checkLinearTensor('weight', given, problem, shape);
  if (!isResident(weight)) return weight as StoredWeight;
  throw new HeedError('ARGUMENT', `weight is resident; expected plain ${type} [${shape.join(', ')}]`, {
    clause: 'linear',
    remedy: 'await weight.read() gives a plain copy, which pack() copies into the memory of the engine',
  });
}

/** @throws HeedError `MISSING_INPUT`, `DTYPE`, `SHAPE`, or `ARGUMENT` for bytes that are not the blocks of the shape. */
function checkBlocks(given: unknown, dtype: BlockType, shape: readonly number[]): BlockWeight {
  const expected = `${dtype} [${shape.join(', ')}]`;
  const refused = (code: 'MISSING_INPUT' | 'DTYPE' | 'SHAPE' | 'ARGUMENT', reason: string): HeedError =>
    new HeedError(code, reason, {
      clause: 'linear',
      remedy: `give { dtype: '${dtype}', shape: [${shape.join(', ')}], data }, with the bytes as a GGUF file has them`,
    });
  if (given === undefined || given === null) {
    throw refused('MISSING_INPUT', `weight is missing; expected ${expected}`);
  }
  const weight = given as Partial<BlockWeight>;
  if (weight.dtype !== dtype) {
    throw refused('DTYPE', `weight is ${shown(weight.dtype ?? given)}; expected ${expected}`);
  }
  if (!Array.isArray(weight.shape) || weight.shape.join() !== shape.join()) {
    throw refused('SHAPE', `weight has the shape ${shown(weight.shape)}; expected ${expected}`);
  }
  const { data } = weight;
  if (kindOf(data) !== 'Uint8Array') {
    throw refused('ARGUMENT', `the data of weight is ${shown(data)}; expected a Uint8Array`);
  }
  const bytes = (shape[0]! * shape[1]! * BLOCK_BYTES[dtype]) / BLOCK_LENGTH;
  if (data!.length !== bytes) {
    throw refused('ARGUMENT', `weight has ${data!.length} bytes; ${expected} takes ${bytes}`);
  }
  // A Buffer's slice() is not that of a Uint8Array.
  const plain = new Uint8Array(data!.buffer, data!.byteOffset, data!.length);
  return { dtype, shape, data: plain };
}
