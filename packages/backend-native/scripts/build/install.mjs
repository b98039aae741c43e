import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprint } from './sources.mjs';
import { TARGETS } from './targets.mjs';
import { zigFor } from './zig.mjs';

/** Folder of the workspace's own build. */
export const OWN = fileURLToPath(new URL('../../build', import.meta.url));

/** The folder of a platform's package. */
export const platformFolder = (name) => fileURLToPath(new URL(`../../platforms/${name}`, import.meta.url));

/** Name in the cache of a published file. */
export const platformName = (name) => `native-${name}-${fingerprint(zigFor(TARGETS[name]), TARGETS[name])}`;

/** Copies the native file from a folder of the cache. Returns whether there was another one, or none. */
export function installFile(cached, folder) {
  const mark = join(folder, 'made-from');
  const file = join(folder, 'heed.node');
  const name = basename(cached);
  if (existsSync(file) && existsSync(mark) && readFileSync(mark, 'utf8') === name) return false;
  mkdirSync(folder, { recursive: true });
  // A process may have loaded the old one: its file stays as it is.
  for (const made of readdirSync(cached).filter((one) => one.endsWith('.node'))) {
    copyFileSync(join(cached, made), join(folder, `${made}.${process.pid}`));
    renameSync(join(folder, `${made}.${process.pid}`), join(folder, made));
  }
  writeFileSync(mark, name);
  return true;
}

/** Returns whether the file of a platform's package was built of these sources. */
export function isCurrent(name) {
  const mark = join(platformFolder(name), 'made-from');
  return existsSync(mark) && readFileSync(mark, 'utf8') === platformName(name);
}

/** Removes published files that were built of other sources than the present ones. */
export function removeStale() {
  for (const name of Object.keys(TARGETS)) {
    if (isCurrent(name)) continue;
    for (const made of ['heed.node', 'heed.symbols.node', 'made-from'])
      rmSync(join(platformFolder(name), made), { force: true });
  }
}
