import type { BackendProvider } from '@heed/core';
import { isRequired } from '@heed/testing';
import type { BACKENDS } from './backends.ts';

/** Reason that a backend cannot run here, with the remedy; null if it can, or if it is required. */
export async function absenceOf(name: (typeof BACKENDS)[number]): Promise<string | null> {
  if (isRequired(name)) return null;
  const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
  const availability = await provider.probe();
  return availability.available ? null : `${name}: ${availability.reason} (${availability.remedy})`;
}
