import { HeedError } from './error.ts';

/**
 * Refuses names that mean nothing here: a misspelt option is not an option left out. Undefined values do not count.
 *
 * @throws HeedError `UNEXPECTED_INPUT`.
 */
export function checkNames(what: string, given: object, names: readonly string[]): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || names.includes(name)) continue;
    throw new HeedError('UNEXPECTED_INPUT', `${name} is given, there is no such ${what}`, {
      remedy: `use one of ${names.join(', ')}`,
    });
  }
}
