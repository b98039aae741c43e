import { type EmbeddingProblem, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { embeddingFault } from '../../../judge/embedding.ts';
import { ensure, ensureError } from '../../building/behavior.ts';
import { checkDispose, checkResident, savedOf, withOperation } from '../kernel.ts';
import { type EmbeddingSketch, embeddingCase } from './sketch.ts';

const USUAL: EmbeddingSketch = { count: 9, width: 14, places: [2, 6], gradient: true };

export function embeddingLifeCases(): BehaviorCase[] {
  const other = tensor(new Float32Array(3), [3]);
  return [
    embeddingCase('resident/usual', USUAL, checkResident),
    embeddingCase('resident/padding', { ...USUAL, padding: 0.5 }, checkResident),
    embeddingCase('errors', { ...USUAL, gradient: false }, async ({ backend, setting }) => {
      const { problem, inputs, forward } = setting;
      const compiled = (change: object) => () =>
        backend.embedding!.compile({ ...problem, ...change } as EmbeddingProblem);
      await ensureError(compiled({ count: 0 }), 'ARGUMENT', 'count: 0');
      await ensureError(compiled({ width: 1.5 }), 'ARGUMENT', 'width: 1.5');
      await ensureError(compiled({ dtype: 'int32' }), 'ARGUMENT', 'dtype: int32');
      await ensureError(compiled({ paddingIdx: 0 }), 'UNKNOWN_OPTION', 'an unknown name in the problem');
      const wrong = (index: number): object => {
        const { data, shape } = inputs.indices;
        return { indices: tensor(data.with(3, index), shape) };
      };
      await withOperation(backend, setting, async (kernel) => {
        const running = (given: object, options?: object) => () =>
          kernel.run({ ...inputs, ...given }, options as never);
        await ensureError(running({ indices: undefined }), 'MISSING_INPUT', 'no indices');
        await ensureError(running({ weight: undefined }), 'MISSING_INPUT', 'no weight');
        await ensureError(running({ weight: other }), 'SHAPE', 'a weight of another shape');
        await ensureError(running({ indices: other }), 'DTYPE', 'indices that are floats');
        await ensureError(running(wrong(9)), 'ARGUMENT', 'an index after the last row');
        await ensureError(running(wrong(-2)), 'ARGUMENT', 'an index of −2');
        const resident = await backend.upload(inputs.indices);
        await ensureError(running({ indices: resident }), 'ARGUMENT', 'resident indices');
        resident.dispose();
        const wide = { ...inputs.weight, dtype: 'float64', data: Float64Array.from(inputs.weight.data) };
        await ensureError(running({ weight: wide }), 'DTYPE', 'a weight of another type');
        await ensureError(running({ scale: 1 }), 'UNKNOWN_OPTION', 'an unknown name in the inputs');
        await ensureError(running({}, { resident: 1 }), 'ARGUMENT', 'resident: 1');
        const asked = () => kernel.gradient(savedOf(setting), forward);
        await ensureError(asked, 'NOT_DIFFERENTIABLE', 'a gradient that was not compiled');
        const fault = embeddingFault(problem, inputs, (await kernel.run(inputs)).output);
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
        await ensureError(back(forward, {}), 'MISSING_INPUT', 'no indices');
        await ensureError(back(forward, wrong(9)), 'ARGUMENT', 'an index after the last row, back');
        await ensureError(
          back(forward, inputs),
          'UNKNOWN_OPTION',
          'a weight, which the gradient does not take',
        );
      });
    }),
    embeddingCase('dispose', { ...USUAL, places: [900] }, (subject) =>
      checkDispose(subject, (output) =>
        embeddingFault(subject.setting.problem, subject.setting.inputs, output),
      ),
    ),
  ];
}
