import type { ConformanceCase } from '../../../case.ts';
import { contractVersionCases } from './contract-version.ts';
import { inputErrorCases } from './inputs.ts';
import { problemErrorCases } from './problem.ts';
import { requestErrorCases } from './request.ts';
import type { Purposes } from '../../building/purposes.ts';

export const errorPurposes: Purposes = {
  'errors/request': 'A mistake in a request has its stable code, before any work.',
  'errors/problem': 'A mistake in a problem has its stable code, past all checks of attention().',
  'errors/run': 'A mistake in the inputs of a run has its stable code, and the kernel is as good as before.',
  'errors/gradient':
    'A mistake in what gradient() takes has its stable code, and the kernel is as good as before.',
  'errors/contract-version': 'A backend or provider of another version of the contract is refused.',
};

/** Clause `errors`: every mistake has its stable code, on every way in. */
export function errorCases(): ConformanceCase[] {
  return [...requestErrorCases(), ...problemErrorCases(), ...inputErrorCases(), ...contractVersionCases()];
}
