import type { ConformanceCase } from '../case.ts';
import { abortCases } from './life-abort.ts';
import { callCases } from './life-calls.ts';
import { disposeCases } from './life-dispose.ts';

/** Clause `life`: kernels are used many times, at once, and come to an end. */
export function lifeCases(): ConformanceCase[] {
  return [...callCases(), ...disposeCases(), ...abortCases()];
}
