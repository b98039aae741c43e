import { type Tensor, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { rotaryFault } from '../../../judge/rotary.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import {
  type Mistakes,
  type OperationSubject,
  checkDispose,
  checkMistakes,
  checkResident,
  withOperation,
} from '../kernel.ts';
import { type RotarySetting, type RotarySketch, rotaryCase } from './sketch.ts';

const USUAL: RotarySketch = { headDim: 12, rotaryDim: 8, heads: [2, 5, 3], gradient: true };

const faultOf =
  ({ setting: { problem, inputs } }: OperationSubject<RotarySetting>) =>
  (output: Tensor): string | null =>
    rotaryFault(problem, inputs, output);

function mistakesWith({ input, sines }: RotarySetting['inputs']): Mistakes {
  const other = tensor(new Float32Array(3), [3]);
  const few = tensor(new Float32Array(4 * 4), [4, 4]);
  const more = tensor(new Float32Array(3 * 5 * 4), [3, 5, 4]);
  const wide = { ...sines, dtype: 'float64', data: Float64Array.from(sines.data) };
  return {
    problem: [
      [{ headDim: 0 }, 'ARGUMENT', 'headDim: 0'],
      [{ rotaryDim: 7 }, 'ARGUMENT', 'an odd rotaryDim'],
      [{ rotaryDim: 14 }, 'ARGUMENT', 'a rotaryDim above headDim'],
      [{ headDim: 7, rotaryDim: undefined }, 'ARGUMENT', 'an odd head, all of it'],
      [{ interleaved: 1 }, 'ARGUMENT', 'interleaved: 1'],
      [{ base: 10_000 }, 'UNKNOWN_OPTION', 'an unknown name in the problem'],
    ],
    inputs: [
      [{ input: undefined }, 'MISSING_INPUT', 'no input'],
      [{ cosines: undefined }, 'MISSING_INPUT', 'no cosines'],
      [{ sines: undefined }, 'MISSING_INPUT', 'no sines'],
      [{ input: other }, 'SHAPE', 'an input of another shape'],
      [{ input: { ...input, shape: [30, 12] } }, 'SHAPE', 'an input without its axes'],
      [{ cosines: other }, 'SHAPE', 'cosines of another shape'],
      [{ cosines: few, sines: few }, 'SHAPE', 'tables of four positions for five'],
      [{ cosines: more, sines: more }, 'SHAPE', 'tables of three for two'],
      [{ sines: few }, 'SHAPE', 'sines of another shape than the cosines'],
      [{ sines: wide }, 'DTYPE', 'sines of another type'],
      [{ positions: other }, 'UNKNOWN_OPTION', 'an unknown name in the inputs'],
    ],
    saved: [
      [{ cosines: undefined, sines: undefined }, 'MISSING_INPUT', 'no tables'],
      [{ cosines: few, sines: few }, 'SHAPE', 'tables of another length'],
      [{ input }, 'UNKNOWN_OPTION', 'an input, which the gradient does not take'],
    ],
    forward: [[{ dOutput: other }, 'SHAPE', 'a dOutput of another shape']],
  };
}

export function rotaryLifeCases(): BehaviorCase[] {
  return [
    rotaryCase('resident/halves', USUAL, checkResident),
    rotaryCase('resident/interleaved', { ...USUAL, interleaved: true, perBatch: true }, checkResident),
    rotaryCase('resident/view', USUAL, async ({ backend, setting }) => {
      const { input } = setting.inputs;
      const [batch, length, heads, headDim] = input.shape as [number, number, number, number];
      await withOperation(backend, setting, async (kernel) => {
        const plain = await kernel.run(setting.inputs);
        const flat = { ...input, shape: [batch, length, heads * headDim] } as typeof input;
        const uploaded = await backend.upload(flat as never);
        const view = uploaded.view([batch, length, heads, headDim]);
        ensureSameBits({ ...(await kernel.run({ ...setting.inputs, input: view })) }, { ...plain }, 'a view');
        view.dispose();
        uploaded.dispose();
      });
    }),
    rotaryCase('errors', { ...USUAL, gradient: false }, (subject) =>
      checkMistakes(subject, mistakesWith(subject.setting.inputs), faultOf(subject)),
    ),
    rotaryCase('dispose', { ...USUAL, heads: [4, 50, 6] }, (subject) =>
      checkDispose(subject, faultOf(subject)),
    ),
  ];
}
