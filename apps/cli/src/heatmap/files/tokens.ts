import { readFileSync } from 'node:fs';
import { HeedError } from '@heed/core';

/**
 * Reads labels from a file: one token per line, or a JSON list of them.
 *
 * @throws HeedError `ARGUMENT` if it cannot be read, or is not such a list.
 */
export function readTokens(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new HeedError('ARGUMENT', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
      remedy: 'give --tokens a text file with a token a line, or a JSON list',
    });
  }
  if (!file.toLowerCase().endsWith('.json')) return text.replace(/\r?\n$/, '').split(/\r?\n/);
  try {
    return labels(JSON.parse(text), file);
  } catch (error) {
    if (HeedError.isInstance(error)) throw error;
    throw noList(file, (error as Error).message);
  }
}

/** Checks a list of tokens, which may be numbers in JSON. */
export function labels(list: unknown, place: string): string[] {
  if (!Array.isArray(list)) throw noList(place, `it is ${JSON.stringify(list).slice(0, 40)}`);
  const odd = list.findIndex((token) => typeof token !== 'string' && typeof token !== 'number');
  if (odd !== -1) throw noList(place, `element ${odd} is ${JSON.stringify(list[odd])}`);
  return list.map(String);
}

function noList(place: string, why: string): HeedError {
  return new HeedError('ARGUMENT', `${place} is not a JSON list of tokens: ${why}`, {
    remedy: 'write them as ["the", "bank"]',
  });
}
