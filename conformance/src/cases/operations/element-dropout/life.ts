import { type Tensor, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { elementDropoutFault } from '../../../judge/element-dropout.ts';
import {
  type Mistakes,
  type OperationSubject,
  checkDispose,
  checkMistakes,
  checkResident,
} from '../kernel.ts';
import { type ElementDropoutSetting, type ElementDropoutSketch, elementDropoutCase } from './sketch.ts';

const USUAL: ElementDropoutSketch = { probability: 0.3, shape: [3, 11], gradient: true };

const faultOf =
  ({ setting: { problem, inputs } }: OperationSubject<ElementDropoutSetting>) =>
  (output: Tensor): string | null =>
    elementDropoutFault(problem, inputs, output);

function mistakesWith({ input }: ElementDropoutSetting['inputs']): Mistakes {
  const other = tensor(new Float32Array(2), [2]);
  const wide = tensor(new Float64Array(4), [4]);
  return {
    problem: [
      [{ probability: undefined }, 'ARGUMENT', 'no probability'],
      [{ probability: 1 }, 'ARGUMENT', 'a probability of 1'],
      [{ probability: -0.1 }, 'ARGUMENT', 'a negative probability'],
      [{ probability: NaN }, 'ARGUMENT', 'a probability of NaN'],
      [{ seed: 1 }, 'UNKNOWN_OPTION', 'a seed in the problem'],
    ],
    inputs: [
      [{ input: undefined }, 'MISSING_INPUT', 'no input'],
      [{ residual: other }, 'SHAPE', 'a residual of another shape'],
      [{ seed: undefined }, 'ARGUMENT', 'no seed'],
      [{ seed: 0.5 }, 'ARGUMENT', 'half a seed'],
      [{ seed: -1 }, 'ARGUMENT', 'a negative seed'],
      [{ seed: 2 ** 53 }, 'ARGUMENT', 'a seed of 54 bits'],
      [{ stream: 2 ** 32 }, 'ARGUMENT', 'a stream of 33 bits'],
      [{ input: wide }, 'DTYPE', 'an input of another type'],
      [{ mask: wide }, 'UNKNOWN_OPTION', 'an unknown name in the inputs'],
    ],
    saved: [
      [{ seed: undefined }, 'ARGUMENT', 'no seed, back'],
      [{ input }, 'UNKNOWN_OPTION', 'an input, which the gradient does not take'],
    ],
    forward: [],
  };
}

export function elementDropoutLifeCases(): BehaviorCase[] {
  return [
    elementDropoutCase('resident/usual', USUAL, checkResident),
    elementDropoutCase('resident/residual', { ...USUAL, residual: true, stream: 7 }, checkResident),
    elementDropoutCase('errors', { ...USUAL, gradient: false }, (subject) =>
      checkMistakes(subject, mistakesWith(subject.setting.inputs), faultOf(subject)),
    ),
    elementDropoutCase('dispose', { ...USUAL, shape: [40, 100] }, (subject) =>
      checkDispose(subject, faultOf(subject)),
    ),
  ];
}
