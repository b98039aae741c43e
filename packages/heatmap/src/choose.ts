import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';

/**
 * Returns the chosen index. Only a single one need not be named.
 *
 * @throws HeedError `ARGUMENT`.
 */
export function choose(
  name: 'batch' | 'head',
  letter: string,
  chosen: number | undefined,
  count: number,
): number {
  if (chosen === undefined && count === 1) return 0;
  if (chosen !== undefined && isIndex(chosen, count)) return chosen;
  const given = chosen === undefined ? 'is not chosen' : `is ${shown(chosen)}`;
  throw new HeedError('ARGUMENT', `${name} ${given}; there is ${letter}=${count}`, {
    remedy:
      count === 0
        ? `give weights with at least one ${name}`
        : `set ${name} to a number from 0 to ${count - 1}`,
  });
}

export function isIndex(index: number, count: number): boolean {
  return Number.isInteger(index) && index >= 0 && index < count;
}
