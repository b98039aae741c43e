import { stripVTControlCharacters } from 'node:util';

/** Words of a backend as words: without escape sequences and control characters, in one line. */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
}
