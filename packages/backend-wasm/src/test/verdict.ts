import { type ConformanceCase, type Report, verify } from '@heed/conformance';
import type { WasmOptions } from '../index.ts';
import { nameOf, providerOf } from './combinations.ts';

/** Result of the suite in one combination. */
export interface Verdict {
  readonly combination: string;
  readonly device: string;
  readonly passed: number;
  readonly failures: Report['clauses'][number]['failures'];
}

export async function verdictOf(options: WasmOptions, cases: readonly ConformanceCase[]): Promise<Verdict> {
  const { device, passed, clauses } = await verify(providerOf(options), { cases });
  return {
    combination: nameOf(options),
    device,
    passed,
    failures: clauses.flatMap(({ failures }) => failures),
  };
}
