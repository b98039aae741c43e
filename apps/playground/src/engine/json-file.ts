import { HeedError } from '@heed/core';

/** Parses a file that somebody chose. @throws HeedError `ARGUMENT` if it is not JSON. */
export async function parseJSON(file: File): Promise<object> {
  try {
    return JSON.parse(await file.text()) as object;
  } catch (cause) {
    throw new HeedError('ARGUMENT', `${file.name} is not JSON`, { cause });
  }
}
