import { HeedError } from '@heed/core';
import { type OptionTable, checkOptions, shown } from '@heed/core/backend';

/** Options of the functions that draw, which those that choose what to draw do not have. */
const DRAWING: Readonly<Record<string, string>> = {
  colorMap: 'toSVG',
  theme: 'toSVG',
  caption: 'toSVG',
  color: 'toTerminal',
  scale: 'toPNG',
  fonts: 'toPNG',
};

/**
 * Checks options of a function that chooses what to draw.
 *
 * @throws HeedError `UNKNOWN_OPTION`, or `ARGUMENT` for what is not an object.
 */
export function checkChoices<T>(owner: string, options: T, table: OptionTable<NonNullable<T>>): void {
  const given = options as Readonly<Record<string, unknown>> | null;
  const name = Object.keys(DRAWING).find((one) => given?.[one] !== undefined);
  if (name !== undefined) {
    throw new HeedError('UNKNOWN_OPTION', `${owner}: unknown option \`${name}\``, {
      remedy: `give ${name} to what draws: ${DRAWING[name]}(view, { ${name} })`,
    });
  }
  checkOptions(owner, options, table);
}

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
export function checkText(text: unknown): asserts text is string {
  if (typeof text === 'string') return;
  throw new HeedError('ARGUMENT', `text is ${shown(text)}; expected a string`, {
    remedy: 'make a string of it: String(value)',
  });
}

/** @throws HeedError `ARGUMENT`. NaN and infinity are numbers. */
export function checkNumber(name: string, value: unknown): void {
  if (typeof value === 'number') return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected a number`, {
    remedy: `give ${name} as a number`,
  });
}

/** @throws HeedError `ARGUMENT` for anything but an array of so many numbers. */
export function checkNumbers(name: string, given: unknown, names: readonly string[]): void {
  const isNumber = (value: unknown): boolean => typeof value === 'number';
  if (Array.isArray(given) && given.length === names.length && [...given].every(isNumber)) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(given)}; expected [${names.join(', ')}]`, {
    remedy: `give ${names.length} numbers in an array`,
  });
}

/** @throws HeedError `ARGUMENT`. */
export function checkCount(name: string, count: unknown): void {
  if (Number.isSafeInteger(count) && (count as number) >= 1) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(count)}; expected an integer ≥ 1`, {
    remedy: `give ${name} as a whole number of 1 or more`,
  });
}
