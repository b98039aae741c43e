import type { ConformanceCase } from '../../../case.ts';
import type { Purposes } from '../../building/purposes.ts';
import { elementDropoutLifeCases } from './life.ts';
import { elementDropoutPromiseCases } from './promises.ts';
import { elementDropoutValueCases } from './values.ts';

export const elementDropoutPurposes: Purposes = {
  elementDropout: 'Elements are dropped as the clause says, bit by bit, and the others scaled.',
  'elementDropout/values': 'The right elements are 0, for every seed and stream, and the others are scaled.',
  'elementDropout/known-words': 'Words are those of the published test vector, and their threshold is exact.',
  'elementDropout/gradient': 'The gradient is dropped where the output is, and needs seed and stream alone.',
  'elementDropout/dropped': 'A dropped element is 0, even if it was NaN or infinite.',
  'elementDropout/resident': 'Input and results may stay in the memory of the backend.',
  'elementDropout/errors':
    'Mistakes are refused with the code of their kind, and the kernel is as good as before.',
  'elementDropout/dispose': 'What was disposed is refused; runs under way end as if nothing had happened.',
  'elementDropout/repeat':
    'The same input gives the same bits: again, at once, in another kernel and backend.',
  'elementDropout/batch': 'The bits of an element do not depend on how many elements follow.',
  'elementDropout/nonfinite': 'NaN and infinity that are kept stay where they are, and no other bit changes.',
  'elementDropout/inputs': 'No run writes to its inputs.',
};

/** Clause `elementDropout`: dropped elements on backends that offer it. */
export function elementDropoutCases(): ConformanceCase[] {
  return [...elementDropoutValueCases(), ...elementDropoutLifeCases(), ...elementDropoutPromiseCases()];
}
