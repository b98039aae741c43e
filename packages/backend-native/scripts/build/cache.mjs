import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Makes a folder of the cache once for the machine.
 *
 * @param make given a folder, fills it.
 * @returns the folder, which appears when it is complete.
 */
export async function cached(name, make) {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'heed');
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, '.partial-'));
  try {
    await make(partial);
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}
