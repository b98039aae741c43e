import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { HeedError } from '@heed/core';

/** What is written, and what helps where it cannot be. */
export interface Writing {
  readonly what: string;
  readonly remedy: string;
}

/**
 * Writes.
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

/** The path of a folder, made when it is not there. Asked before the work: it is not to have been in vain. */
export function folderFor(name: string, writes: Writing): string {
  const folder = path.resolve(name);
  return writing(writes, () => {
    mkdirSync(folder, { recursive: true });
    rmdirSync(mkdtempSync(path.join(folder, '.heed-')));
    return folder;
  });
}

/** The path of a file that can be written. Asked before the work, and leaves no file behind. */
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
