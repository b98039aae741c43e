import type { ConformanceCase } from './case.ts';
import { causalCases } from './cases/causal.ts';
import { emptyCases } from './cases/empty.ts';
import { gqaCases } from './cases/gqa.ts';
import { maskCases } from './cases/mask.ts';
import { orderCases } from './cases/order.ts';
import { shapeCases } from './cases/shape.ts';

let cases: Promise<readonly ConformanceCase[]> | undefined;

/** Every case of the suite, in the order of SPEC.md. */
export function allCases(): Promise<readonly ConformanceCase[]> {
  cases ??= collect();
  return cases;
}

async function collect(): Promise<readonly ConformanceCase[]> {
  return [...shapeCases(), ...orderCases(), ...emptyCases(), ...gqaCases(), ...maskCases(), ...causalCases()];
}
