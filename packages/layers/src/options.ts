import { type FloatDType, HeedError } from '@heed/core';

/** The names that a type has: the compiler keeps the list whole. */
type Names<T> = Readonly<Record<keyof T, true>>;

/**
 * Refuses names that are not there: a misspelt one would leave the default in its place, in silence. A name whose
 * value is undefined counts as left out.
 *
 * @param owner whose names they are, as messages call it.
 * @throws HeedError `ARGUMENT` for an option, `UNEXPECTED_INPUT` for an input.
 */
export function checkNames<T extends object>(
  owner: string,
  kind: 'option' | 'input',
  given: T,
  names: Names<T>,
): void {
  const known = `its ${kind}s are ${Object.keys(names).join(', ')}`;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const shown = Array.isArray(given) ? 'an array' : String(given);
    throw new HeedError('ARGUMENT', `${owner} got ${shown} for its ${kind}s, expected an object`, {
      remedy: known,
    });
  }
  const unknown = Object.entries(given)
    .filter(([name, value]) => value !== undefined && !Object.hasOwn(names, name))
    .map(([name]) => name);
  if (unknown.length === 0) return;
  throw new HeedError(
    kind === 'option' ? 'ARGUMENT' : 'UNEXPECTED_INPUT',
    `${owner} has no ${kind} ${unknown.join(', ')}`,
    { remedy: known },
  );
}

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
