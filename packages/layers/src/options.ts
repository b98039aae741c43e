import { type FloatDType, HeedError } from '@heed/core';

/** @throws HeedError `ARGUMENT`. */
export function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (Number.isSafeInteger(count) && count >= 1) continue;
    throw new HeedError('ARGUMENT', `${name} is ${count}, expected an integer ≥ 1`, {
      remedy: `set ${name} to a whole number of 1 or more`,
    });
  }
}

/** @throws HeedError `ARGUMENT`. */
export function checkOneOf(name: string, given: unknown, choices: readonly string[]): void {
  if (choices.includes(given as string)) return;
  throw new HeedError('ARGUMENT', `${name} is ${String(given)}, expected ${choices.join(' or ')}`, {
    remedy: `set ${name} to ${choices.map((choice) => `'${choice}'`).join(' or ')}`,
  });
}

/**
 * What the first weights are made with.
 *
 * @throws HeedError `ARGUMENT`.
 */
export function checkFirstWeights({
  dtype = 'float32',
  random = Math.random,
}: {
  readonly dtype?: FloatDType;
  readonly random?: () => number;
}): void {
  checkOneOf('dtype', dtype, ['float32', 'float64']);
  if (typeof random === 'function') return;
  throw new HeedError('ARGUMENT', `random is ${String(random)}, expected a function`, {
    remedy: 'give a function that returns numbers in [0, 1), such as seededRandom(7)',
  });
}
