import { HeedError } from '@heed/core';

/** The names that a type has: the compiler keeps the list whole. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/**
 * Refuses names that are not there: a misspelt one would leave the default in its place, in silence. A name whose
 * value is undefined counts as left out.
 *
 * @param owner whose options they are, as messages call it.
 * @throws HeedError `ARGUMENT`.
 */
export function checkNames<T extends object>(owner: string, given: T, names: Names<T>): void {
  const remedy = `its options are ${Object.keys(names).join(', ')}`;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new HeedError('ARGUMENT', `${owner} got ${shown(given)} for its options, expected an object`, {
      remedy,
    });
  }
  const unknown = Object.entries(given)
    .filter(([name, value]) => value !== undefined && !Object.hasOwn(names, name))
    .map(([name]) => name);
  if (unknown.length > 0) {
    throw new HeedError('ARGUMENT', `${owner} has no option ${unknown.join(', ')}`, { remedy });
  }
}

/** @throws HeedError `ARGUMENT`. */
export function checkOneOf(name: string, given: unknown, choices: readonly string[]): void {
  if (choices.includes(given as string)) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(given)}, expected ${choices.join(' or ')}`, {
    remedy: `set ${name} to ${choices.map((choice) => `'${choice}'`).join(' or ')}`,
  });
}

/** @throws HeedError `ARGUMENT`. */
export function checkTexts(texts: Readonly<Record<string, unknown>>): void {
  for (const [name, text] of Object.entries(texts)) {
    if (text === undefined || typeof text === 'string') continue;
    throw new HeedError('ARGUMENT', `${name} is ${shown(text)}, expected text`, {
      remedy: `give ${name} as a string, or leave it out`,
    });
  }
}

/** @throws HeedError `ARGUMENT`. */
export function checkCount(name: string, count: unknown): void {
  if (Number.isSafeInteger(count) && (count as number) >= 1) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(count)}, expected an integer ≥ 1`, {
    remedy: `give ${name} as a whole number of 1 or more`,
  });
}

/** A value in a message: text in quotes, what is large by its kind alone. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(String).join(', ')}]`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
