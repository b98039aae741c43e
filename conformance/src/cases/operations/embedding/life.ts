import { type ResidentTensor, type Tensor, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { embeddingFault } from '../../../judge/embedding.ts';
import {
  type Mistakes,
  type OperationSubject,
  checkDispose,
  checkMistakes,
  checkResident,
} from '../kernel.ts';
import { type EmbeddingSetting, type EmbeddingSketch, embeddingCase } from './sketch.ts';

const USUAL: EmbeddingSketch = { count: 9, width: 14, places: [2, 6], gradient: true };

const faultOf =
  ({ setting: { problem, inputs } }: OperationSubject<EmbeddingSetting>) =>
  (output: Tensor): string | null =>
    embeddingFault(problem, inputs, output);

/** @param resident indices in the backend's memory. */
function mistakesWith({ indices, weight }: EmbeddingSetting['inputs'], resident: ResidentTensor): Mistakes {
  const other = tensor(new Float32Array(3), [3]);
  const wide = { ...weight, dtype: 'float64', data: Float64Array.from(weight.data) };
  const wrong = (index: number): object => ({
    indices: tensor(indices.data.with(3, index), indices.shape),
  });
  return {
    problem: [
      [{ count: 0 }, 'ARGUMENT', 'count: 0'],
      [{ width: 1.5 }, 'ARGUMENT', 'width: 1.5'],
      [{ dtype: 'int32' }, 'ARGUMENT', 'dtype: int32'],
      [{ paddingIdx: 0 }, 'UNKNOWN_OPTION', 'an unknown name in the problem'],
    ],
    inputs: [
      [{ indices: undefined }, 'MISSING_INPUT', 'no indices'],
      [{ weight: undefined }, 'MISSING_INPUT', 'no weight'],
      [{ weight: other }, 'SHAPE', 'a weight of another shape'],
      [{ indices: other }, 'DTYPE', 'indices that are floats'],
      [wrong(9), 'ARGUMENT', 'an index after the last row'],
      [wrong(-2), 'ARGUMENT', 'an index of −2'],
      [{ indices: resident }, 'ARGUMENT', 'resident indices'],
      [{ weight: wide }, 'DTYPE', 'a weight of another type'],
      [{ scale: 1 }, 'UNKNOWN_OPTION', 'an unknown name in the inputs'],
    ],
    saved: [
      [{ indices: undefined }, 'MISSING_INPUT', 'no indices'],
      [wrong(9), 'ARGUMENT', 'an index after the last row, back'],
      [{ weight }, 'UNKNOWN_OPTION', 'a weight, which the gradient does not take'],
    ],
    forward: [[{ dOutput: other }, 'SHAPE', 'a dOutput of another shape']],
  };
}

export function embeddingLifeCases(): BehaviorCase[] {
  return [
    embeddingCase('resident/usual', USUAL, checkResident),
    embeddingCase('resident/padding', { ...USUAL, padding: 0.5 }, checkResident),
    embeddingCase('errors', { ...USUAL, gradient: false }, async (subject) => {
      const { inputs } = subject.setting;
      const resident = await subject.backend.upload(inputs.indices);
      await checkMistakes(subject, mistakesWith(inputs, resident), faultOf(subject));
      resident.dispose();
    }),
    embeddingCase('dispose', { ...USUAL, places: [900] }, (subject) =>
      checkDispose(subject, faultOf(subject)),
    ),
  ];
}
