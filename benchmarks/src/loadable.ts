import type { Availability } from '@heed/core';

/** Whether optional packages can be imported here. `load` does it; nothing else needs to be known of them. */
export async function loadable(
  packages: readonly string[],
  load: () => Promise<unknown>,
): Promise<Availability> {
  try {
    await load();
    return { available: true };
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('\n');
    return {
      available: false,
      reason: `${packages.join(' and ')} cannot be imported: ${reason}`,
      remedy: `npm install ${packages.join(' ')}`,
    };
  }
}
