import { HeedError, textOf } from '../error.ts';
import { shown } from '../options/shown.ts';

/**
 * Checks that a file is a `Blob`, of whatever realm.
 *
 * @throws HeedError `ARGUMENT` with the clause.
 */
export function assertBlob(file: Blob, clause: string): void {
  const blob = file as Partial<Blob> | null | undefined;
  if (typeof blob?.slice === 'function' && typeof blob.size === 'number') return;
  throw new HeedError('ARGUMENT', `the file is ${shown(file)}; expected a Blob`, {
    clause,
    remedy: 'give await fs.openAsBlob(path), a File, or new Blob([bytes])',
  });
}

/**
 * Reads bytes of a file, from `begin` up to, but not including, `end`.
 *
 * @throws HeedError `ENGINE` if it cannot be read.
 */
export async function bytesOfBlob(file: Blob, begin: number, end: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(begin, end).arrayBuffer());
  } catch (error) {
    throw new HeedError('ENGINE', `bytes ${begin} to ${end} of the file cannot be read: ${textOf(error)}`, {
      cause: error,
      remedy: 'open the file again if it was changed; read less at once if memory is short',
    });
  }
}
