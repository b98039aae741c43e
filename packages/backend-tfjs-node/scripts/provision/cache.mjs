import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { loadFault } from './load.mjs';

const DAY = 24 * 60 * 60 * 1000;

/**
 * Returns the folder of that name in the cache, with `lib` and `deps` that load. It is made in a folder beside it and
 * renamed when complete, so that half a folder is never used, and of two made at once either will do.
 */
export async function cached(name, make) {
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'heed');
  const place = join(root, name);
  if (loadFault(place) === null) return place;
  mkdirSync(root, { recursive: true });
  sweep(root);
  const workshop = mkdtempSync(join(root, '.partial-'));
  try {
    const made = join(workshop, 'made');
    mkdirSync(made);
    await make(made);
    putInPlace(made, place, workshop);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
  return place;
}

/** Links `lib` and `deps` into the package, in place of those that did not load. */
export function linkInto(folder, library) {
  for (const name of ['deps', 'lib']) {
    const place = join(folder, name);
    const link = `${place}.${process.pid}`;
    rmSync(link, { force: true });
    symlinkSync(join(library, name), link, 'junction');
    if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory())
      rmSync(place, { recursive: true, force: true });
    renameSync(link, place);
  }
}

function putInPlace(made, place, workshop) {
  // Another process may have been faster: its folder is as good, and may be in use.
  if (loadFault(place) === null) return;
  try {
    if (existsSync(place)) renameSync(place, join(workshop, 'broken'));
    renameSync(made, place);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) throw error;
  }
}

/** Removes what killed processes left behind. */
function sweep(root) {
  for (const name of readdirSync(root).filter((entry) => entry.startsWith('.partial-'))) {
    const age = Date.now() - (statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > DAY) rmSync(join(root, name), { recursive: true, force: true });
  }
}
