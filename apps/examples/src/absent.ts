import type { BackendProvider } from '@heed/core';
import type { BACKENDS } from './backends.ts';

/** Returns whether `HEED_REQUIRE` names something, so that its absence is a failure. */
export function required(name: string): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',').map((part) => part.trim());
  return names.includes('all') || names.includes(name);
}

/** Reason that a backend cannot run here, with the remedy; null if it can, or if it is required. */
export async function absenceOf(name: (typeof BACKENDS)[number]): Promise<string | null> {
  if (required(name)) return null;
  const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
  const availability = await provider.probe();
  return availability.available ? null : `${name}: ${availability.reason} (${availability.remedy})`;
}
