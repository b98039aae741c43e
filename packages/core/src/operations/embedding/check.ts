import { HeedError } from '../../error.ts';
import { checkLinearTensor } from '../../linear/check.ts';
import { checkOptions } from '../../options/check-options.ts';
import { flag, integer, oneOf, required } from '../../options/kinds.ts';
import { type ResidentTensor, type Tensor, isResident } from '../../tensor.ts';
import { toTensor } from '../../tensor-like.ts';
import type { EmbeddingForward, EmbeddingIndices, EmbeddingInputs, EmbeddingProblem } from './contract.ts';

type Checked = Tensor | ResidentTensor;
type Indices = Tensor<'int32'>;
type Problem = Required<EmbeddingProblem>;

/**
 * Checks a problem and fills in its defaults.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function checkEmbeddingProblem(problem: EmbeddingProblem): Problem {
  const kind = { clause: 'embedding' };
  checkOptions('embedding.compile()', problem, {
    count: { ...required(integer(1, 2 ** 31 - 1)), ...kind },
    width: { ...required(integer(1)), ...kind },
    dtype: { ...oneOf('float32', 'float64'), ...kind },
    gradient: { ...flag, ...kind },
  });
  const { count, width, dtype = 'float32', gradient = false } = problem;
  return Object.freeze({ count, width, dtype, gradient });
}

/** @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE` or `UNKNOWN_OPTION`; `ARGUMENT` for an index without a row. */
export function checkEmbeddingInputs(
  problem: Problem,
  given: EmbeddingInputs,
): EmbeddingInputs<Checked, Indices> {
  checkOptions('inputs', given, { indices: true, weight: true });
  const shape = [problem.count, problem.width];
  return {
    indices: checkIndices(problem, given.indices),
    weight: checkLinearTensor('weight', given.weight, problem, shape, 'embedding'),
  };
}

/** @throws HeedError as {@link checkEmbeddingInputs}. */
export function checkEmbeddingSaved(problem: Problem, given: EmbeddingIndices): EmbeddingIndices<Indices> {
  checkOptions('inputs', given, { indices: true });
  return { indices: checkIndices(problem, given.indices) };
}

/** @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkEmbeddingForward(
  problem: Problem,
  given: EmbeddingForward,
  { indices }: EmbeddingIndices<Indices>,
): EmbeddingForward<Checked> {
  checkOptions('gradient()', given, { dOutput: true });
  const shape = [...indices.shape, problem.width];
  return { dOutput: checkLinearTensor('dOutput', given.dOutput, problem, shape, 'embedding') };
}

function checkIndices({ count }: Problem, given: unknown): Indices {
  const expected = `int32 […], each −1 (padding) or 0…${count - 1}`;
  const refused = (code: 'MISSING_INPUT' | 'DTYPE' | 'ARGUMENT', reason: string): HeedError =>
    new HeedError(code, reason, {
      clause: 'embedding',
      remedy: 'check the tokenizer, or compile with a higher count',
    });
  if (given === undefined || given === null)
    throw refused('MISSING_INPUT', `indices is missing; expected ${expected}`);
  if (isResident(given)) throw refused('ARGUMENT', `indices is resident; expected plain ${expected}`);
  const indices = toTensor('indices', given, 'int32') as Tensor;
  if (indices.dtype !== 'int32') throw refused('DTYPE', `indices is ${indices.dtype}; expected ${expected}`);
  const at = (indices.data as Int32Array).findIndex((index) => index < -1 || index >= count);
  if (at !== -1) throw refused('ARGUMENT', `indices has ${indices.data[at]!} at ${at}; expected ${expected}`);
  return indices as Indices;
}
