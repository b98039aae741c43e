import { closeSync, lstatSync, mkdirSync, mkdtempSync, openSync, rmSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { HeedError } from '@heed/core';

/** Name of what is written, and the remedy if that fails. */
export interface Writing {
  readonly what: string;
  readonly remedy: string;
}

/**
 * Runs a function that writes, and adds the remedy to its errors.
 *
 * @throws HeedError `ARGUMENT` when that fails: the place was the wrong one.
 */
export function writing<T>({ what, remedy }: Writing, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const { message } = error as Error;
    throw new HeedError('ARGUMENT', `${what} cannot be written: ${message}`, { cause: error, remedy });
  }
}

/** Returns the path of a folder, and creates it if missing. Call it before the work, which would otherwise be lost. */
export function folderFor(name: string, writes: Writing): string {
  const folder = path.resolve(name);
  return writing(writes, () => {
    // First, since Node's mkdir never ends where nothing can be created below /proc.
    rmdirSync(mkdtempSync(path.join(nearest(folder), '.heed-')));
    mkdirSync(folder, { recursive: true });
    return folder;
  });
}

/** Returns the path, or the nearest above it at which something exists. */
function nearest(place: string): string {
  return lstatSync(place, { throwIfNoEntry: false }) === undefined ? nearest(path.dirname(place)) : place;
}

/** Returns the path of a file that can be written. Call it before the work; it leaves no file behind. */
export function fileFor(name: string, writes: Writing): string {
  const file = path.resolve(name);
  return writing(writes, () => {
    try {
      closeSync(openSync(file, 'wx'));
      rmSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      closeSync(openSync(file, 'a'));
    }
    return file;
  });
}
