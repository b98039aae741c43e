import { HeedError } from '../../error.ts';
import { checkLinearTensor } from '../../linear/check.ts';
import { checkOptions } from '../../options/check-options.ts';
import { flag, integer, number, oneOf, required } from '../../options/kinds.ts';
import type { ResidentTensor, Tensor } from '../../tensor.ts';
import type { RotaryForward, RotaryInputs, RotaryProblem, RotaryTables } from './contract.ts';

type Checked = Tensor | ResidentTensor;
type Problem = Required<RotaryProblem>;

/**
 * Checks a problem and fills in its defaults.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function checkRotaryProblem(problem: RotaryProblem): Problem {
  const kind = { clause: 'rotary' };
  const isEven = (x: number): boolean => Number.isSafeInteger(x) && x >= 2 && x % 2 === 0;
  checkOptions('rotary.compile()', problem, {
    headDim: { ...required(integer(2)), ...kind },
    rotaryDim: { ...number('an even integer ≥ 2', isEven), ...kind },
    interleaved: { ...flag, ...kind },
    dtype: { ...oneOf('float32', 'float64'), ...kind },
    gradient: { ...flag, ...kind },
  });
  const { headDim, rotaryDim = headDim } = problem;
  if (rotaryDim % 2 !== 0 || rotaryDim > headDim) {
    throw new HeedError(
      'ARGUMENT',
      `rotary.compile(): rotaryDim is ${rotaryDim}; expected an even number up to headDim, ${headDim}`,
      { clause: 'rotary', remedy: 'set rotaryDim, or choose an even headDim' },
    );
  }
  const { interleaved = false, dtype = 'float32', gradient = false } = problem;
  return Object.freeze({ headDim, rotaryDim, interleaved, dtype, gradient });
}

/** @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkRotaryInputs(problem: Problem, given: RotaryInputs): RotaryInputs<Checked> {
  checkOptions('inputs', given, { input: true, cosines: true, sines: true });
  const input = checkHeads('input', given.input, problem);
  return { input, ...checkTables(problem, given, input.shape) };
}

/**
 * Inputs of a run that the gradient takes; {@link checkRotaryForward} compares their lengths.
 *
 * @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`.
 */
export function checkRotarySaved(problem: Problem, given: RotaryTables): RotaryTables<Checked> {
  checkOptions('inputs', given, { cosines: true, sines: true });
  return checkTables(problem, given);
}

/** @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkRotaryForward(
  problem: Problem,
  given: RotaryForward,
  tables: RotaryTables<Checked>,
): RotaryForward<Checked> {
  checkOptions('gradient()', given, { dOutput: true });
  const dOutput = checkHeads('dOutput', given.dOutput, problem);
  checkTables(problem, tables, dOutput.shape);
  return { dOutput };
}

function checkHeads(name: string, given: unknown, problem: Problem): Checked {
  const heads = checkLinearTensor(name, given, problem, ['…', problem.headDim], 'rotary');
  if (heads.shape.length === 4) return heads;
  const expected = `${problem.dtype} [B, L, H, ${problem.headDim}]`;
  throw new HeedError('SHAPE', `${name} is [${heads.shape.join(', ')}]; expected ${expected}`, {
    clause: 'rotary',
    remedy: `give ${name} the shape [B, L, H, D]; view(shape) of a resident tensor makes it of [B, L, H·D]`,
  });
}

/** Checks the tables, and where heads are given that they are those of the heads' batch and length. */
function checkTables(
  problem: Problem,
  { cosines, sines }: RotaryTables,
  heads?: readonly number[],
): RotaryTables<Checked> {
  const angles = problem.rotaryDim / 2;
  const first = checkLinearTensor('cosines', cosines, problem, ['…', angles], 'rotary');
  const { shape } = first;
  const [batch, length] = heads ?? [shape.at(-3), shape.at(-2)];
  const fits = [[length, angles].join(), [batch, length, angles].join()];
  if (!fits.includes(shape.join())) {
    const [b = 'B', l = 'L'] = heads ?? [];
    throw new HeedError(
      'SHAPE',
      `cosines is [${shape.join(', ')}]; expected ${problem.dtype} [${l}, ${angles}] or [${b}, ${l}, ${angles}]`,
      {
        clause: 'rotary',
        remedy:
          'give rotaryTable() the position of each row of the input, [L] or [B, L], and R/2 frequencies',
      },
    );
  }
  return { cosines: first, sines: checkLinearTensor('sines', sines, problem, shape, 'rotary') };
}
