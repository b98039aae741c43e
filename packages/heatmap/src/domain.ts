import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';

/** The values at the ends of a color scale. */
export type Domain = readonly [low: number, high: number];

/** A domain, or a rule that chooses one from the values; see {@link HeatmapOptions.domain}. */
export type DomainOption = Domain | 'robust';

/** Share of the nonzero values that a robust domain leaves above its end. */
const OUTLIERS = 0.01;

/** @throws HeedError `ARGUMENT` for a domain that is none, or empty. */
export function domainOf(given: DomainOption | undefined, ...matrices: readonly Float64Array[]): Domain {
  if (given === 'robust') return robustDomain(matrices);
  if (given !== undefined) {
    const [low, high] = Array.isArray(given) ? (given as Domain) : [NaN, NaN];
    if (Number.isFinite(low) && Number.isFinite(high) && low < high) return [low, high];
    throw new HeedError(
      'ARGUMENT',
      `domain is ${shown(given)}; expected two finite numbers, low < high, or 'robust'`,
      { remedy: 'give [low, high], or leave it out for the range of the values' },
    );
  }
  let [low, high] = [0, 0];
  for (const values of matrices) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return low === high ? [0, 1] : [low, high];
}

/** Returns the domain that has 0 in its middle and the given one inside. */
export function aroundZero([low, high]: Domain): Domain {
  const end = Math.max(-low, high);
  return [-end, end];
}

/** Domain of the values without the largest hundredth at either end. */
function robustDomain(matrices: readonly Float64Array[]): Domain {
  const sides = [1, -1].map((side) => {
    const sizes = matrices
      .flatMap((values) => Array.from(values.filter((value) => Number.isFinite(value) && side * value > 0)))
      .map(Math.abs)
      .sort((a, b) => a - b);
    return sizes[Math.floor((sizes.length - 1) * (1 - OUTLIERS))] ?? 0;
  }) as [number, number];
  const [high, low] = sides;
  return high === 0 && low === 0 ? [0, 1] : [low === 0 ? 0 : -low, high];
}
