import type { ConformanceCase } from '../../../case.ts';
import type { Purposes } from '../../building/purposes.ts';
import { normLifeCases } from './life.ts';
import { normPromiseCases } from './promises.ts';
import { normValueCases } from './values.ts';

export const normPurposes: Purposes = {
  norm: 'Norms of rows are what the clause says, within the bound of accuracy.',
  'norm/values':
    'Each row is normalized by its own mean and deviation, for widths on both sides of a vector.',
  'norm/gradient': 'Gradients of input, weight and bias are right, with and without one past the norm.',
  'norm/ignored-row': 'A row whose dOutput is 0 reaches no gradient, whatever its input holds.',
  'norm/resident': 'Input, weight, bias and results may stay in the memory of the backend.',
  'norm/errors': 'Mistakes are refused with the code of their kind, and the kernel is as good as before.',
  'norm/dispose': 'What was disposed is refused; runs under way end as if nothing had happened.',
  'norm/repeat': 'The same input gives the same bits: again, at once, in another kernel and backend.',
  'norm/batch': 'The bits of a row do not depend on how many rows go with it.',
  'norm/nonfinite': 'NaN and infinity in a row make that row NaN, and no other row.',
  'norm/inputs': 'No run writes to its inputs.',
};

/** Clause `norm`: normalized rows on backends that offer them. */
export function normCases(): ConformanceCase[] {
  return [...normValueCases(), ...normLifeCases(), ...normPromiseCases()];
}
