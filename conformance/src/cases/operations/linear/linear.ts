import type { ConformanceCase } from '../../../case.ts';
import type { Purposes } from '../../building/purposes.ts';
import { linearArgumentCases } from './argument.ts';
import { linearGateCases } from './gate.ts';
import { linearLifeCases } from './life.ts';
import { linearPromiseCases } from './promises.ts';
import { linearResidualCases } from './residual.ts';
import { linearStoredCases } from './stored.ts';
import { linearValueCases } from './values.ts';

export const linearPurposes: Purposes = {
  linear: 'Linear projections are what the clause says, within the bound of accuracy.',
  'linear/values': 'x Wᵀ + b is right for widths on both sides of vectors, panels and blocks.',
  'linear/activation': 'Each activation is right, also where it is nearly 0 and nearly its argument.',
  'linear/gradient': 'Gradients of input, weight and bias are right, through each activation.',
  'linear/ignored-row': 'A row whose dOutput is 0 reaches no gradient, whatever its input holds.',
  'linear/weights-are-kept': 'Packed weights are a copy: later changes to the original do not reach them.',
  'linear/transferred':
    'A call whose tensors are transferred before it ends gives its right result or rejects with SHAPE.',
  'linear/weights-apart': 'Several packed weights of one kernel do not disturb each other.',
  'linear/resident': 'Input, weights and output may stay in the memory of the backend.',
  'linear/into-attention': 'A projection seen as heads is an input of attention, without a copy.',
  'linear/errors': 'Mistakes are refused with the code of their kind, and the kernel is as good as before.',
  'linear/dispose': 'What was disposed is refused; runs under way end as if nothing had happened.',
  'linear/repeat': 'The same input gives the same bits: again, at once, in another kernel and backend.',
  'linear/batch': 'The bits of a row do not depend on how many rows go with it.',
  'linear/nonfinite': 'NaN and infinity in a row make that row non-finite, and no other row.',
  'linear/residual':
    'A residual is added to the output, and a gradient past the projection to that of its input.',
  'linear/gate':
    'With a gate, the activation of one half of the sums is multiplied by the other, forward and back.',
  'linear/gate/declared': 'A gate is accepted if it is declared, else refused.',
  'linear/argument':
    'The argument of activation and gate is right, and the gradient is computed from the one that is given.',
  'linear/argument/declared': 'An argument is accepted if it is declared, else refused.',
  'linear/inputs': 'No run writes to its inputs.',
  'linear/weights':
    'Weights that are stored in 16 bits or blocks of 32 numbers count as the exact numbers that they represent.',
  'linear/weights/declared': 'A type of weights is accepted if it is declared, else refused.',
};

/** Clause `linear`: projections on backends that offer them. */
export function linearCases(): ConformanceCase[] {
  return [
    ...linearValueCases(),
    ...linearLifeCases(),
    ...linearPromiseCases(),
    ...linearResidualCases(),
    ...linearGateCases(),
    ...linearArgumentCases(),
    ...linearStoredCases(),
  ];
}
