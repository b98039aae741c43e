import type { ConformanceCase } from '../case.ts';
import { contractVersionCases } from './errors-contract-version.ts';
import { inputErrorCases } from './errors-inputs.ts';
import { problemErrorCases } from './errors-problem.ts';
import { requestErrorCases } from './errors-request.ts';

/** Clause `errors`: every mistake has its stable code, on every way in. */
export function errorCases(): ConformanceCase[] {
  return [...requestErrorCases(), ...problemErrorCases(), ...inputErrorCases(), ...contractVersionCases()];
}
