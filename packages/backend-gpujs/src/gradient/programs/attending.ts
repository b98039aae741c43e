import { type Program, addProducts, integer, quotient } from '../../platform/program.ts';

const arrays = ['weights', 'source', 'previous'] as const;

const integers = [
  'firstSlice',
  'firstRow',
  'firstKey',
  'tileSlices',
  'tileRows',
  'tileKeys',
  'kvHeads',
  'kvHeadsInRow',
  'headGroup',
  'keyLength',
  'columns',
  'sourceBatch',
  'sourceHead',
  'sourceRow',
  'hasPrevious',
] as const;

const numbers = ['factor'] as const;

/**
 * Sums over queries: for each key, factor · Σ weight · source row of the query, over all query heads that read the key,
 * added to `previous`, which has the earlier tiles. Gives the gradient of values from that of the output, and the
 * gradient of keys from queries.
 *
 * Threads as in `attended`, with keys for queries: `kvHeadsInRow` is 1 or Hkv.
 */
export const attending: Program<typeof arrays, typeof integers, typeof numbers> = {
  name: 'attending',
  arrays,
  integers,
  numbers,
  body: `
    ${integer('j', quotient('this.thread.y', 'kvHeadsInRow'))}
    ${integer('kvSlice', 'this.thread.z * kvHeadsInRow + this.thread.y - j * kvHeadsInRow')}
    ${integer('b', quotient('kvSlice', 'kvHeads'))}
    ${integer('kvHead', 'kvSlice - b * kvHeads')}
    ${integer('tileKey', 'j - firstKey')}
    let sum = 0;
    if (tileKey >= 0 && tileKey < tileKeys) {
      for (let member = 0; member < headGroup; member++) {
        ${integer('tileSlice', 'kvSlice * headGroup + member - firstSlice')}
        if (tileSlice >= 0 && tileSlice < tileSlices) {
          ${integer('at', 'tileSlice * tileRows * tileKeys + tileKey')}
          ${integer('head', 'kvHead * headGroup + member')}
          ${integer('from', 'b * sourceBatch + head * sourceHead + firstRow * sourceRow + this.thread.x')}
          ${addProducts('sum', 'tileRows', ['weights', 'at', 'tileKeys'], ['source', 'from', 'sourceRow'])}
        }
      }
      sum = sum * factor;
    }
    if (hasPrevious > 0) {
      sum += previous[(this.thread.z * keyLength * kvHeadsInRow + this.thread.y) * columns + this.thread.x];
    }
    return sum;`,
};
