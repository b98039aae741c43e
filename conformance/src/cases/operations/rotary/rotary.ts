import type { ConformanceCase } from '../../../case.ts';
import type { Purposes } from '../../building/purposes.ts';
import { rotaryLifeCases } from './life.ts';
import { rotaryPromiseCases } from './promises.ts';
import { rotaryValueCases } from './values.ts';

export const rotaryPurposes: Purposes = {
  rotary: 'Pairs of numbers are rotated as the clause says, within the bound of accuracy.',
  'rotary/values':
    'Each pair is rotated by the angle of its position, for heads on both sides of a vector and parts of them.',
  'rotary/gradient': 'The gradient is dOutput rotated back, and needs the tables alone.',
  'rotary/rest': 'Elements of a head that are not rotated keep every bit, forward and back.',
  'rotary/resident': 'Input, tables and results may stay in the memory of the backend.',
  'rotary/errors': 'Mistakes are refused with the code of their kind, and the kernel is as good as before.',
  'rotary/dispose': 'What was disposed is refused; runs under way end as if nothing had happened.',
  'rotary/repeat': 'The same input gives the same bits: again, at once, in another kernel and backend.',
  'rotary/batch': 'A batch element, a position or a head alone has the bits that it has in company.',
  'rotary/nonfinite': 'NaN and infinity in a number make its pair non-finite, and no other number.',
  'rotary/inputs': 'No run writes to its inputs.',
};

/** Clause `rotary`: heads rotated by their positions on backends that offer it. */
export function rotaryCases(): ConformanceCase[] {
  return [...rotaryValueCases(), ...rotaryLifeCases(), ...rotaryPromiseCases()];
}
