import { type Tensor, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { normFault } from '../../../judge/norm.ts';
import { ensureError } from '../../building/behavior.ts';
import {
  type Mistakes,
  type OperationSubject,
  checkDispose,
  checkMistakes,
  checkResident,
  withOperation,
} from '../kernel.ts';
import { type NormSetting, type NormSketch, normCase } from './sketch.ts';

const USUAL: NormSketch = { kind: 'layer', width: 24, rows: [2, 5], bias: true };
const BACK = { ...USUAL, gradient: true, residual: true };

const faultOf =
  ({ setting: { problem, inputs } }: OperationSubject<NormSetting>) =>
  (output: Tensor): string | null =>
    normFault(problem, inputs, output);

function mistakesWith({ input }: NormSetting['inputs']): Mistakes {
  const other = tensor(new Float32Array(3), [3]);
  const wide = { ...input, dtype: 'float64', data: Float64Array.from(input.data) };
  return {
    problem: [
      [{ width: 0 }, 'ARGUMENT', 'width: 0'],
      [{ kind: 'batch' }, 'ARGUMENT', 'an unknown kind'],
      [{ epsilon: 0 }, 'ARGUMENT', 'epsilon: 0'],
      [{ eps: 1e-5 }, 'UNKNOWN_OPTION', 'an unknown name in the problem'],
    ],
    inputs: [
      [{ input: undefined }, 'MISSING_INPUT', 'no input'],
      [{ weight: undefined }, 'MISSING_INPUT', 'no weight'],
      [{ bias: undefined }, 'MISSING_INPUT', 'no bias'],
      [{ input: other }, 'SHAPE', 'an input of another width'],
      [{ weight: other }, 'SHAPE', 'a weight of another width'],
      [{ input: wide }, 'DTYPE', 'an input of another type'],
      [{ scale: 1 }, 'UNKNOWN_OPTION', 'an unknown name in the inputs'],
    ],
    saved: [[{ input: undefined }, 'MISSING_INPUT', 'no input, back']],
    forward: [
      [{ dOutput: other }, 'SHAPE', 'a dOutput of another shape'],
      [{ dResidual: other }, 'SHAPE', 'a dResidual of another shape'],
    ],
  };
}

export function normLifeCases(): BehaviorCase[] {
  return [
    normCase('resident/layer', BACK, checkResident),
    normCase('resident/rms', { ...BACK, kind: 'rms' }, checkResident),
    normCase('errors', USUAL, async (subject) => {
      const { backend, setting } = subject;
      await checkMistakes(subject, mistakesWith(setting.inputs), faultOf(subject));
      const without = { ...setting, problem: { ...setting.problem, bias: false } };
      await withOperation(backend, without, (kernel) =>
        ensureError(() => kernel.run(setting.inputs), 'UNEXPECTED_INPUT', 'a bias that the problem lacks'),
      );
    }),
    normCase('dispose', { ...USUAL, rows: [200] }, (subject) => checkDispose(subject, faultOf(subject))),
  ];
}
