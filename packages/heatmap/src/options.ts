import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';

/** @throws HeedError `ARGUMENT`. */
export function checkOneOf(name: string, given: unknown, choices: readonly string[]): void {
  if (choices.includes(given as string)) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(given)}; expected ${choices.join(' or ')}`, {
    remedy: `set ${name} to ${choices.map((choice) => `'${choice}'`).join(' or ')}`,
  });
}

/** @throws HeedError `ARGUMENT`. */
export function checkTexts(texts: Readonly<Record<string, unknown>>): void {
  for (const [name, text] of Object.entries(texts)) {
    if (text === undefined || typeof text === 'string') continue;
    throw new HeedError('ARGUMENT', `${name} is ${shown(text)}; expected text`, {
      remedy: `give ${name} as a string, or leave it out`,
    });
  }
}

/** @throws HeedError `ARGUMENT`. */
export function checkCount(name: string, count: unknown): void {
  if (Number.isSafeInteger(count) && (count as number) >= 1) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(count)}; expected an integer ≥ 1`, {
    remedy: `give ${name} as a whole number of 1 or more`,
  });
}
