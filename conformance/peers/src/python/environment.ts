import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** A set of Python libraries in fixed versions: `current`, and `previous` where two versions are compared. */
export type EnvironmentName = 'current' | 'previous';

/** Folder for what `provision` makes. */
export function cacheFolder(): string {
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'heed');
}

/** Folder of the virtual environment that `provision` makes. */
export function environmentFolder(name: EnvironmentName): string {
  return path.join(cacheFolder(), `peers-python-${name}`);
}

/**
 * The interpreter of an environment: the provisioned one; for the current libraries, where there is none, the first
 * `python3` on the PATH.
 */
export function interpreterOf(name: EnvironmentName): string {
  const provisioned = path.join(environmentFolder(name), 'bin', 'python');
  return existsSync(provisioned) || name === 'previous' ? provisioned : 'python3';
}
