import { type ElementDropoutProblem, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { elementDropoutFault } from '../../../judge/element-dropout.ts';
import { ensure, ensureError } from '../../building/behavior.ts';
import { checkDispose, checkResident, savedOf, withOperation } from '../kernel.ts';
import { type ElementDropoutSketch, elementDropoutCase } from './sketch.ts';

const USUAL: ElementDropoutSketch = { probability: 0.3, shape: [3, 11], gradient: true };

export function elementDropoutLifeCases(): BehaviorCase[] {
  return [
    elementDropoutCase('resident/usual', USUAL, checkResident),
    elementDropoutCase('resident/residual', { ...USUAL, residual: true, stream: 7 }, checkResident),
    elementDropoutCase('errors', { ...USUAL, gradient: false }, async ({ backend, setting }) => {
      const { problem, inputs, forward } = setting;
      const compiled = (change: object) => () =>
        backend.elementDropout!.compile({ ...problem, ...change } as ElementDropoutProblem);
      await ensureError(compiled({ probability: undefined }), 'ARGUMENT', 'no probability');
      await ensureError(compiled({ probability: 1 }), 'ARGUMENT', 'a probability of 1');
      await ensureError(compiled({ probability: -0.1 }), 'ARGUMENT', 'a negative probability');
      await ensureError(compiled({ probability: NaN }), 'ARGUMENT', 'a probability of NaN');
      await ensureError(compiled({ seed: 1 }), 'UNKNOWN_OPTION', 'a seed in the problem');
      await withOperation(backend, setting, async (kernel) => {
        const running = (given: object, options?: object) => () =>
          kernel.run({ ...inputs, ...given }, options as never);
        await ensureError(running({ input: undefined }), 'MISSING_INPUT', 'no input');
        const other = tensor(new Float32Array(2), [2]);
        await ensureError(running({ residual: other }), 'SHAPE', 'a residual of another shape');
        await ensureError(running({ seed: undefined }), 'ARGUMENT', 'no seed');
        await ensureError(running({ seed: 0.5 }), 'ARGUMENT', 'half a seed');
        await ensureError(running({ seed: -1 }), 'ARGUMENT', 'a negative seed');
        await ensureError(running({ seed: 2 ** 53 }), 'ARGUMENT', 'a seed of 54 bits');
        await ensureError(running({ stream: 2 ** 32 }), 'ARGUMENT', 'a stream of 33 bits');
        const wide = tensor(new Float64Array(4), [4]);
        await ensureError(running({ input: wide }), 'DTYPE', 'an input of another type');
        await ensureError(running({ mask: wide }), 'UNKNOWN_OPTION', 'an unknown name in the inputs');
        await ensureError(running({}, { resident: 1 }), 'ARGUMENT', 'resident: 1');
        const asked = () => kernel.gradient(savedOf(setting), forward);
        await ensureError(asked, 'NOT_DIFFERENTIABLE', 'a gradient that was not compiled');
        const fault = elementDropoutFault(problem, inputs, (await kernel.run(inputs)).output);
        ensure(fault === null, `after mistakes: ${fault}`);
      });
      const differentiable = { ...setting, problem: { ...problem, gradient: true } };
      await withOperation(backend, differentiable, async (kernel) => {
        const back =
          (given: object, saved: object = savedOf(setting)) =>
          () =>
            kernel.gradient(saved, given);
        await ensureError(back({}), 'MISSING_INPUT', 'no dOutput');
        await ensureError(back(forward, {}), 'ARGUMENT', 'no seed, back');
        await ensureError(
          back(forward, inputs),
          'UNKNOWN_OPTION',
          'an input, which the gradient does not take',
        );
      });
    }),
    elementDropoutCase('dispose', { ...USUAL, shape: [40, 100] }, (subject) =>
      checkDispose(subject, (output) =>
        elementDropoutFault(subject.setting.problem, subject.setting.inputs, output),
      ),
    ),
  ];
}
