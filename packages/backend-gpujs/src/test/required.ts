import type { Mode } from '../index.ts';
import { providerOf } from './provider-of.ts';

/** Whether an absent engine is a failure and not a skip: as in the suite, `HEED_REQUIRE` says. */
export function isRequired(): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',');
  return names.includes('all') || names.includes('gpujs');
}

/** Why a mode is not to be had here, with the remedy; null when it is, or when it has to be. */
export async function absenceOf(mode: Mode): Promise<string | null> {
  const availability = await providerOf(mode).probe();
  if (availability.available || isRequired()) return null;
  return `${availability.reason} (${availability.remedy})`;
}
