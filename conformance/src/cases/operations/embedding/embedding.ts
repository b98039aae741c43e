import type { ConformanceCase } from '../../../case.ts';
import type { Purposes } from '../../building/purposes.ts';
import { embeddingLifeCases } from './life.ts';
import { embeddingPromiseCases } from './promises.ts';
import { embeddingValueCases } from './values.ts';

export const embeddingPurposes: Purposes = {
  embedding: 'Rows of a weight are looked up, and their gradients summed, as the clause says.',
  'embedding/values': 'Each index has its row, bit by bit, whatever it holds; the row of padding is 0.',
  'embedding/gradient': 'dWeight has the sum over the places of each row, and 0 where there is none.',
  'embedding/padding': 'What the gradient holds at padding reaches no row.',
  'embedding/resident': 'Weight and results may stay in the memory of the backend.',
  'embedding/errors': 'Mistakes, an index without a row among them, are refused with the code of their kind.',
  'embedding/dispose': 'What was disposed is refused; runs under way end as if nothing had happened.',
  'embedding/repeat': 'The same input gives the same bits: again, at once, in another kernel and backend.',
  'embedding/batch': 'The bits of a row of dWeight depend on its own places alone, in their order.',
  'embedding/nonfinite': 'NaN and infinity in a number of dOutput reach its sum, and no other.',
  'embedding/inputs': 'No run writes to its inputs.',
};

/** Clause `embedding`: rows of a weight on backends that offer them. */
export function embeddingCases(): ConformanceCase[] {
  return [...embeddingValueCases(), ...embeddingLifeCases(), ...embeddingPromiseCases()];
}
