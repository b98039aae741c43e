import type { ConformanceCase } from '../../../case.ts';
import { abortCases } from './abort.ts';
import { callCases } from './calls.ts';
import { disposeCases } from './dispose.ts';

/** Clause `life`: kernels are used many times, at once, and come to an end. */
export function lifeCases(): ConformanceCase[] {
  return [...callCases(), ...disposeCases(), ...abortCases()];
}
