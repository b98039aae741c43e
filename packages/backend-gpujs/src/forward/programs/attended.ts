import { type Program, addProducts, integer, quotient } from '../../platform/program.ts';

const arrays = ['weights', 'source', 'rows', 'previous'] as const;

const integers = [
  'firstSlice',
  'firstRow',
  'firstKey',
  'tileSlices',
  'tileRows',
  'tileKeys',
  'heads',
  'headsInRow',
  'headGroup',
  'queryLength',
  'columns',
  'sourceBatch',
  'sourceHead',
  'sourceRow',
  'hasPrevious',
  'rowShift',
  'sliceShift',
] as const;

const numbers = ['factor'] as const;

/**
 * Sums over keys: for each query row, factor · Σ weight · source row of the key. The output from values, and the
 * gradient of queries from keys.
 *
 * The result is complete: rows of the tile are computed, all others come from `previous`, which has the earlier tiles.
 * The copy costs little compared with a tile's work, and requires only programs from the engine.
 *
 * Thread x is a depth. In layout `bhld` y is a query row and z a slice; in `blhd` y is i · Hq + h and z the batch:
 * `headsInRow` is 1 or Hq. With shifts, threads are only the rows of a tile, which begins at the shifts.
 */
export const attended: Program<typeof arrays, typeof integers, typeof numbers> = {
  name: 'attended',
  arrays,
  integers,
  numbers,
  body: `
    ${integer('y', quotient('this.thread.y', 'headsInRow'))}
    ${integer('i', 'rowShift + y')}
    ${integer('slice', 'sliceShift + this.thread.z * headsInRow + this.thread.y - y * headsInRow')}
    ${integer('tileSlice', 'slice - firstSlice')}
    ${integer('tileRow', 'i - firstRow')}
    let sum = 0;
    if (tileSlice >= 0 && tileSlice < tileSlices && tileRow >= 0 && tileRow < tileRows) {
      ${integer('b', quotient('slice', 'heads'))}
      ${integer('kvHead', quotient('(slice - b * heads)', 'headGroup'))}
      ${integer('row', '4 * (b * queryLength + i)')}
      ${integer('first', 'rows[row]')}
      const count = rows[row + 1] - first;
      ${integer('at', '(tileSlice * tileRows + tileRow) * tileKeys + first - firstKey')}
      ${integer('from', 'b * sourceBatch + kvHead * sourceHead + first * sourceRow + this.thread.x')}
      ${addProducts('sum', 'count', ['weights', 'at'], ['source', 'from', 'sourceRow'])}
      sum = sum * factor;
    } else if (hasPrevious > 0) {
      sum = previous[(this.thread.z * queryLength * headsInRow + this.thread.y) * columns + this.thread.x];
    }
    return sum;`,
};
