import { HeedError } from '@heed/core';
import { type OptionKind, callback, integer, number, oneOf, shown } from '@heed/core/backend';

/** A width, or a number of things. */
export const count: OptionKind = integer(1);

/** A factor: any finite number. */
export const finite: OptionKind = number('a finite number', Number.isFinite);

export const positive: OptionKind = number(
  'a finite number > 0',
  (value) => Number.isFinite(value) && value > 0,
);

export const notNegative: OptionKind = number(
  'a finite number ≥ 0',
  (value) => Number.isFinite(value) && value >= 0,
);

/** A share of less than 1. */
export const share: OptionKind = number('a number ≥ 0 and < 1', (value) => value >= 0 && value < 1);

/** Element type of parameters. */
export const DTYPE: OptionKind = oneOf('float32', 'float64');

/** Seed of reproducible random numbers. */
export const seedKind: OptionKind = integer(0, Number.MAX_SAFE_INTEGER);

/** Options of the first weights. */
export const FIRST_WEIGHTS: { readonly dtype: OptionKind; readonly random: OptionKind } = {
  dtype: DTYPE,
  random: { ...callback, expected: 'a function that returns numbers in [0, 1), such as seededRandom(7)' },
};

/** @throws HeedError `ARGUMENT`. */
export function checkCounts(counts: Readonly<Record<string, unknown>>): void {
  for (const [name, given] of Object.entries(counts)) {
    if (count.accepts(given)) continue;
    throw new HeedError('ARGUMENT', `${name} is ${shown(given)}; expected ${count.expected}`, {
      remedy: `set ${name} to a whole number of 1 or more`,
    });
  }
}
