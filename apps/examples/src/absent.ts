import type { BackendProvider } from '@heed/core';
import type { BACKENDS } from './backends.ts';

/** Whether `HEED_REQUIRE` asks for something, so that its absence is a failure. */
export function required(name: string): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',').map((part) => part.trim());
  return names.includes('all') || names.includes(name);
}

/** Why a backend cannot run here, and what to do; null when it can, or when it is required. */
export async function absenceOf(name: (typeof BACKENDS)[number]): Promise<string | null> {
  if (required(name)) return null;
  const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
  const availability = await provider.probe();
  return availability.available ? null : `${name}: ${availability.reason} (${availability.remedy})`;
}
