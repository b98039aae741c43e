import { type Program, addProducts, integer, quotient } from '../../platform/program.ts';

const deltaArrays = ['output', 'dOutput'] as const;
const deltaIntegers = [
  'firstSlice',
  'firstRow',
  'tileRows',
  'heads',
  'valueDepth',
  'outputBatch',
  'outputHead',
  'outputRow',
] as const;

/**
 * Σ output · dOutput of each row of a tile: the term that its scores share (Dao et al. 2022, appendix B.2). The sum has
 * the order of that in `dScores`: if one key has all the weight, so that the output is its value, they are equal.
 */
export const rowDelta: Program<typeof deltaArrays, typeof deltaIntegers, readonly []> = {
  name: 'rowDelta',
  arrays: deltaArrays,
  integers: deltaIntegers,
  numbers: [],
  body: `
    ${integer('tileSlice', quotient('this.thread.x', 'tileRows'))}
    ${integer('slice', 'firstSlice + tileSlice')}
    ${integer('b', quotient('slice', 'heads'))}
    ${integer('i', 'firstRow + this.thread.x - tileSlice * tileRows')}
    ${integer('o', 'b * outputBatch + (slice - b * heads) * outputHead + i * outputRow')}
    ${integer('g', 'o')}
    let sum = 0;
    ${addProducts('sum', 'valueDepth', ['output', 'o'], ['dOutput', 'g'])}
    return sum;`,
};

const scoreArrays = ['weights', 'value', 'dOutput', 'deltas'] as const;
const scoreIntegers = [
  'firstSlice',
  'firstRow',
  'firstKey',
  'tileRows',
  'tileKeys',
  'heads',
  'headGroup',
  'valueDepth',
  'valueBatch',
  'valueHead',
  'valueRow',
  'outputBatch',
  'outputHead',
  'outputRow',
] as const;

/**
 * The gradient of a tile's scores, as they enter the softmax: weight · (dOutput · value − delta). The product rounds
 * like delta, also in the mode `cpu`, which computes in float64: they are equal if one key has all the weight.
 */
export const dScores: Program<typeof scoreArrays, typeof scoreIntegers, readonly []> = {
  name: 'dScores',
  arrays: scoreArrays,
  integers: scoreIntegers,
  numbers: [],
  body: `
    ${integer('row', 'this.thread.z * tileRows + this.thread.y')}
    const weight = weights[row * tileKeys + this.thread.x];
    let gradient = 0;
    if (weight > 0) {
      ${integer('slice', 'firstSlice + this.thread.z')}
      ${integer('b', quotient('slice', 'heads'))}
      ${integer('h', 'slice - b * heads')}
      ${integer('kvHead', quotient('h', 'headGroup'))}
      ${integer('v', 'b * valueBatch + kvHead * valueHead + (firstKey + this.thread.x) * valueRow')}
      ${integer('o', 'b * outputBatch + h * outputHead + (firstRow + this.thread.y) * outputRow')}
      let dot = 0;
      ${addProducts('dot', 'valueDepth', ['value', 'v'], ['dOutput', 'o'])}
      gradient = weight * (Math.fround(dot) - deltas[row]);
    }
    return gradient;`,
};

const productArrays = ['left', 'right'] as const;
const productIntegers = ['tileRows', 'tileKeys'] as const;

/** The product of two tiles, element by element. */
export const product: Program<typeof productArrays, typeof productIntegers, readonly []> = {
  name: 'product',
  arrays: productArrays,
  integers: productIntegers,
  numbers: [],
  body: `
    ${integer('at', '(this.thread.z * tileRows + this.thread.y) * tileKeys + this.thread.x')}
    return left[at] * right[at];`,
};

const biasArrays = ['gradients', 'previous'] as const;
const biasIntegers = [
  'firstSlice',
  'firstRow',
  'firstKey',
  'tileSlices',
  'tileRows',
  'tileKeys',
  'heads',
  'biasBatches',
  'biasHeads',
  'biasRows',
  'biasKeys',
  'hasPrevious',
] as const;

/**
 * The gradient of a bias: that of the scores, summed over the broadcast axes, added to `previous`, which has earlier
 * tiles. Threads are the elements of the bias; z is its batch and head.
 */
export const dBias: Program<typeof biasArrays, typeof biasIntegers, readonly []> = {
  name: 'dBias',
  arrays: biasArrays,
  integers: biasIntegers,
  numbers: [],
  body: `
    ${integer('biasBatch', quotient('this.thread.z', 'biasHeads'))}
    ${integer('biasHead', 'this.thread.z - biasBatch * biasHeads')}
    let rowStart = this.thread.y - firstRow;
    let rowEnd = rowStart + 1;
    if (biasRows == 1 || rowStart < 0) rowStart = 0;
    if (biasRows == 1 || rowEnd > tileRows) rowEnd = tileRows;
    let keyStart = this.thread.x - firstKey;
    let keyEnd = keyStart + 1;
    if (biasKeys == 1 || keyStart < 0) keyStart = 0;
    if (biasKeys == 1 || keyEnd > tileKeys) keyEnd = tileKeys;
    const rowCount = rowEnd - rowStart;
    const keyCount = keyEnd - keyStart;
    let sum = 0;
    for (let tileSlice = 0; tileSlice < tileSlices; tileSlice++) {
      ${integer('slice', 'firstSlice + tileSlice')}
      ${integer('b', quotient('slice', 'heads'))}
      ${integer('h', 'slice - b * heads')}
      if ((biasBatches == 1 || b == biasBatch) && (biasHeads == 1 || h == biasHead)) {
        for (let n = 0; n < rowCount; n++) {
          ${integer('row', 'rowStart + n')}
          ${integer('at', '(tileSlice * tileRows + row) * tileKeys + keyStart')}
          for (let m = 0; m < keyCount; m++) {
            sum += gradients[at];
            at++;
          }
        }
      }
    }
    if (hasPrevious > 0) {
      sum += previous[(this.thread.z * biasRows + this.thread.y) * biasKeys + this.thread.x];
    }
    return sum;`,
};
