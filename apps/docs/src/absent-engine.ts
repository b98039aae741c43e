import type { BackendProvider } from '@heed/core';

/**
 * Why a program cannot run here: a backend that it imports lacks its engine. Null when nothing is missing, or when
 * `HEED_REQUIRE` asks for the backend, so that the program runs and fails.
 */
export async function absentEngine(code: string): Promise<string | null> {
  const required = (process.env['HEED_REQUIRE'] ?? '').split(',');
  for (const [, name] of code.matchAll(/from '@heed\/backend-([\w-]+)'/g)) {
    if (required.includes('all') || required.includes(name!)) continue;
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    const availability = await provider.probe();
    if (!availability.available) return `${name}: ${availability.reason} (${availability.remedy})`;
  }
  return null;
}
