import type { Mode } from '../index.ts';
import { providerOf } from './provider-of.ts';

/** Returns whether an absent engine is a failure instead of a skip: as in the suite, `HEED_REQUIRE` decides. */
export function isRequired(): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',');
  return names.includes('all') || names.includes('gpujs');
}

/** Reason why a mode is not available here, with the remedy; null if it is available or required. */
export async function absenceOf(mode: Mode): Promise<string | null> {
  const availability = await providerOf(mode).probe();
  if (availability.available || isRequired()) return null;
  return `${availability.reason} (${availability.remedy})`;
}
