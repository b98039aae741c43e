import type { BackendProvider } from '@heed/core';
import { isRequired } from '@heed/testing';

/**
 * Why a program cannot run here: a backend that it imports lacks its engine. Null when nothing is missing, or when
 * `HEED_REQUIRE` asks for the backend, so that the program runs and fails.
 */
export async function absentEngine(code: string): Promise<string | null> {
  for (const [, name] of code.matchAll(/from '@heed\/backend-([\w-]+)'/g)) {
    if (isRequired(name)) continue;
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    const availability = await provider.probe();
    if (!availability.available) return `${name}: ${availability.reason} (${availability.remedy})`;
  }
  return null;
}
