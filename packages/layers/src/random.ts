import { philox4x32 } from '@heed/core/backend';

/**
 * Uniform random numbers in [0, 1) that are the same on every machine: the words of Philox4x32-10 (Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011) in order.
 *
 * @param seed an integer, 0 ≤ seed < 2³².
 *
 * @example
 * ```ts
 * import { MultiHeadAttention, seededRandom } from '@heed/layers';
 *
 * const make = () => new MultiHeadAttention({ embedDim: 8, heads: 2, random: seededRandom(7) });
 * const [a, b] = [make(), make()];
 * console.log(a.parameters['query.weight'].data[0] === b.parameters['query.weight'].data[0]); // true
 * ```
 */
export function seededRandom(seed: number): () => number {
  let block = 0;
  let words: number[] = [];
  return () => {
    if (words.length === 0) words = philox4x32([block++ >>> 0, 0, 0, 0], [seed >>> 0, 0]);
    return words.pop()! / 2 ** 32;
  };
}

/** Draws from the standard normal distribution (Box and Muller, 1958), with two uniform numbers. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
