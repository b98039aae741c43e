import { isRequired } from '@heed/testing';
import type { Mode } from '../index.ts';
import { providerOf } from './provider-of.ts';

/** Reason why a mode is not available here, with the remedy; null if it is available or required. */
export async function absenceOf(mode: Mode): Promise<string | null> {
  const availability = await providerOf(mode).probe();
  if (availability.available || isRequired('gpujs')) return null;
  return `${availability.reason} (${availability.remedy})`;
}
