import { type RotaryProblem, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { rotaryFault } from '../../../judge/rotary.ts';
import { ensure, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { checkDispose, checkResident, savedOf, withOperation } from '../kernel.ts';
import { type RotarySketch, rotaryCase } from './sketch.ts';

const USUAL: RotarySketch = { headDim: 12, rotaryDim: 8, heads: [2, 5, 3], gradient: true };

export function rotaryLifeCases(): BehaviorCase[] {
  const other = tensor(new Float32Array(3), [3]);
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
    rotaryCase('errors', { ...USUAL, gradient: false }, async ({ backend, setting }) => {
      const { problem, inputs, forward } = setting;
      const compiled = (change: object) => () =>
        backend.rotary!.compile({ ...problem, ...change } as RotaryProblem);
      await ensureError(compiled({ headDim: 0 }), 'ARGUMENT', 'headDim: 0');
      await ensureError(compiled({ rotaryDim: 7 }), 'ARGUMENT', 'an odd rotaryDim');
      await ensureError(compiled({ rotaryDim: 14 }), 'ARGUMENT', 'a rotaryDim above headDim');
      await ensureError(compiled({ headDim: 7, rotaryDim: undefined }), 'ARGUMENT', 'an odd head, all of it');
      await ensureError(compiled({ interleaved: 1 }), 'ARGUMENT', 'interleaved: 1');
      await ensureError(compiled({ base: 10_000 }), 'UNKNOWN_OPTION', 'an unknown name in the problem');
      await withOperation(backend, setting, async (kernel) => {
        const running = (given: object, options?: object) => () =>
          kernel.run({ ...inputs, ...given }, options as never);
        await ensureError(running({ input: undefined }), 'MISSING_INPUT', 'no input');
        await ensureError(running({ cosines: undefined }), 'MISSING_INPUT', 'no cosines');
        await ensureError(running({ sines: undefined }), 'MISSING_INPUT', 'no sines');
        await ensureError(running({ input: other }), 'SHAPE', 'an input of another shape');
        const flat = { ...inputs.input, shape: [30, 12] };
        await ensureError(running({ input: flat }), 'SHAPE', 'an input without its axes');
        await ensureError(running({ cosines: other }), 'SHAPE', 'cosines of another shape');
        const few = tensor(new Float32Array(4 * 4), [4, 4]);
        await ensureError(
          running({ cosines: few, sines: few }),
          'SHAPE',
          'tables of four positions for five',
        );
        const more = tensor(new Float32Array(3 * 5 * 4), [3, 5, 4]);
        await ensureError(running({ cosines: more, sines: more }), 'SHAPE', 'tables of three for two');
        await ensureError(running({ sines: few }), 'SHAPE', 'sines of another shape than the cosines');
        const wide = { ...inputs.sines, dtype: 'float64', data: Float64Array.from(inputs.sines.data) };
        await ensureError(running({ sines: wide }), 'DTYPE', 'sines of another type');
        await ensureError(running({ positions: other }), 'UNKNOWN_OPTION', 'an unknown name in the inputs');
        await ensureError(running({}, { resident: 1 }), 'ARGUMENT', 'resident: 1');
        const asked = () => kernel.gradient(savedOf(setting), forward);
        await ensureError(asked, 'NOT_DIFFERENTIABLE', 'a gradient that was not compiled');
        const fault = rotaryFault(problem, inputs, (await kernel.run(inputs)).output);
        ensure(fault === null, `after mistakes: ${fault}`);
      });
      const differentiable = { ...setting, problem: { ...problem, gradient: true } };
      await withOperation(backend, differentiable, async (kernel) => {
        const back =
          (given: object, saved: object = savedOf(setting)) =>
          () =>
            kernel.gradient(saved, given);
        await ensureError(back({}), 'MISSING_INPUT', 'no dOutput');
        await ensureError(back({ dOutput: other }), 'SHAPE', 'a dOutput of another shape');
        await ensureError(back(forward, {}), 'MISSING_INPUT', 'no tables');
        const few = tensor(new Float32Array(4 * 4), [4, 4]);
        await ensureError(back(forward, { cosines: few, sines: few }), 'SHAPE', 'tables of another length');
        await ensureError(
          back(forward, inputs),
          'UNKNOWN_OPTION',
          'an input, which the gradient does not take',
        );
      });
    }),
    rotaryCase('dispose', { ...USUAL, heads: [4, 50, 6] }, (subject) =>
      checkDispose(subject, (output) => rotaryFault(subject.setting.problem, subject.setting.inputs, output)),
    ),
  ];
}
