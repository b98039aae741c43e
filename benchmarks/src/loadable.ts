import type { Availability } from '@heed/core';
import { textOf } from '@heed/core/backend';

/** Returns whether optional packages can be imported here; `load` imports them. */
export async function loadable(
  packages: readonly string[],
  load: () => Promise<unknown>,
): Promise<Availability> {
  try {
    await load();
    return { available: true };
  } catch (error) {
    const [reason] = textOf(error instanceof Error ? error.message : error).split('\n');
    return {
      available: false,
      reason: `${packages.join(' and ')} cannot be imported: ${reason}`,
      remedy: `npm install ${packages.join(' ')}`,
    };
  }
}
