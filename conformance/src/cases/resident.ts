import type { ConformanceCase } from '../case.ts';
import { residentCacheCases } from './resident-cache.ts';
import { residentLifeCases } from './resident-life.ts';
import { residentRunCases } from './resident-runs.ts';

/** Clause `resident`: tensors that live in the backend's memory between calls. */
export function residentCases(): ConformanceCase[] {
  return [...residentLifeCases(), ...residentRunCases(), ...residentCacheCases()];
}
