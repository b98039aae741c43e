import { checkLinearTensor } from '../../linear/check.ts';
import { checkOptions } from '../../options/check-options.ts';
import { flag, integer, number, oneOf, required } from '../../options/kinds.ts';
import type { ResidentTensor, Tensor } from '../../tensor.ts';
import type {
  ElementDropoutForward,
  ElementDropoutInputs,
  ElementDropoutProblem,
  ElementDropoutSeed,
} from './contract.ts';

type Checked = Tensor | ResidentTensor;
type Problem = Required<ElementDropoutProblem>;

const clause = 'elementDropout';
const kind = { clause };
const SEED = {
  seed: { ...required(integer(0, Number.MAX_SAFE_INTEGER)), ...kind },
  stream: { ...integer(0, 2 ** 32 - 1), ...kind },
};

/**
 * Checks a problem and fills in its defaults.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function checkElementDropoutProblem(problem: ElementDropoutProblem): Problem {
  checkOptions('elementDropout.compile()', problem, {
    probability: { ...required(number('a number from 0 to 1, without 1', (p) => p >= 0 && p < 1)), ...kind },
    dtype: { ...oneOf('float32', 'float64'), ...kind },
    gradient: { ...flag, ...kind },
  });
  const { probability, dtype = 'float32', gradient = false } = problem;
  return Object.freeze({ probability, dtype, gradient });
}

/** @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkElementDropoutInputs(
  problem: Problem,
  given: ElementDropoutInputs,
): ElementDropoutInputs<Checked> {
  checkOptions('inputs', given, { input: true, residual: true, ...SEED });
  const input = checkLinearTensor('input', given.input, problem, ['…'], clause);
  if (given.residual === undefined) return { input, ...seedOf(given) };
  const residual = checkLinearTensor('residual', given.residual, problem, input.shape, clause);
  return { input, residual, ...seedOf(given) };
}

/** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkElementDropoutSaved(_: Problem, given: ElementDropoutSeed): ElementDropoutSeed {
  checkOptions('inputs', given, SEED);
  return seedOf(given);
}

/** @throws HeedError `MISSING_INPUT`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkElementDropoutForward(
  problem: Problem,
  given: ElementDropoutForward,
): ElementDropoutForward<Checked> {
  checkOptions('gradient()', given, { dOutput: true });
  return { dOutput: checkLinearTensor('dOutput', given.dOutput, problem, ['…'], clause) };
}

function seedOf({ seed, stream = 0 }: ElementDropoutSeed): Required<ElementDropoutSeed> {
  return { seed, stream };
}
