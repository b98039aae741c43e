import type { ConformanceCase } from '../../../case.ts';
import { contractVersionCases } from './contract-version.ts';
import { inputErrorCases } from './inputs.ts';
import { problemErrorCases } from './problem.ts';
import { requestErrorCases } from './request.ts';

/** Clause `errors`: every mistake has its stable code, on every way in. */
export function errorCases(): ConformanceCase[] {
  return [...requestErrorCases(), ...problemErrorCases(), ...inputErrorCases(), ...contractVersionCases()];
}
