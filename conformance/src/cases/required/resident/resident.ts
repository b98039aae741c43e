import type { ConformanceCase } from '../../../case.ts';
import { residentCacheCases } from './cache.ts';
import { residentLifeCases } from './tensors.ts';
import { residentRunCases } from './runs.ts';

/** Clause `resident`: tensors that live in the backend's memory between calls. */
export function residentCases(): ConformanceCase[] {
  return [...residentLifeCases(), ...residentRunCases(), ...residentCacheCases()];
}
