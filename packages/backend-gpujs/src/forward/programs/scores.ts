import { type Program, addProducts, integer, quotient, tanh } from '../../platform/program.ts';

const arrays = ['query', 'key', 'mask', 'bias', 'rows', 'segments', 'slopes'] as const;

const integers = [
  'firstSlice',
  'firstRow',
  'firstKey',
  'heads',
  'headGroup',
  'headDim',
  'queryLength',
  'queryBatch',
  'queryHead',
  'queryRow',
  'keyBatch',
  'keyHead',
  'keyRow',
  'maskBatch',
  'maskHead',
  'maskRow',
  'maskKey',
  'biasBatch',
  'biasHead',
  'biasRow',
  'biasKey',
  'segmentBatch',
  'segmentKey',
  'slopeHead',
] as const;

const numbers = [
  'scale',
  'softcap',
  'maskExcludes',
  'maskFactor',
  'minusInfinity',
  'hasTerms',
  'quarterLimit',
] as const;

/**
 * Visits a pair of query and key that may attend. Thread x is a key, y a query row, z a slice, that is b · Hq + h. A
 * tensor that the problem does not have is one neutral element with strides of 0.
 */
const forAttended = (otherwise: string, statements: string): string => `
    ${integer('slice', 'firstSlice + this.thread.z')}
    ${integer('b', quotient('slice', 'heads'))}
    ${integer('h', 'slice - b * heads')}
    ${integer('kvHead', quotient('h', 'headGroup'))}
    ${integer('i', 'firstRow + this.thread.y')}
    ${integer('j', 'firstKey + this.thread.x')}
    ${integer('row', '4 * (b * queryLength + i)')}
    let result = ${otherwise};
    if (j >= rows[row] && j < rows[row + 1]) {
      const maskValue = mask[b * maskBatch + h * maskHead + i * maskRow + j * maskKey];
      const biasValue = bias[b * biasBatch + h * biasHead + i * biasRow + j * biasKey];
      const segment = segments[b * segmentBatch + j * segmentKey];
      if (segment == rows[row + 3] && maskValue != maskExcludes && biasValue != minusInfinity) {
        ${integer('q', 'b * queryBatch + h * queryHead + i * queryRow')}
        ${integer('k', 'b * keyBatch + kvHead * keyHead + j * keyRow')}
        let dot = 0;
        ${addProducts('dot', 'headDim', ['query', 'q'], ['key', 'k'])}
        ${statements}
      }
    }
    return result;`;

/**
 * The scores of a tile. SPEC.md, clause `order`: scale, softcap, bias, ALiBi, float mask; keys that a row may not
 * attend to get `minusInfinity`. So do those whose sum would be −∞ (clause `overflow`), detected without an infinity by
 * adding quarters of the terms. A score that would be +∞ becomes 0: the host computes its effect on the row.
 */
export const scores: Program<typeof arrays, typeof integers, typeof numbers> = {
  name: 'scores',
  arrays,
  integers,
  numbers,
  body: forAttended(
    'minusInfinity',
    `
        result = dot * scale;
        if (softcap > 0) {
          ${tanh('saturation', 'result / softcap')}
          result = softcap * saturation;
        }
        if (hasTerms > 0) {
          const slope = slopes[h * slopeHead];
          const distance = Math.abs(rows[row + 2] - j);
          const quarter = 0.25 * result + 0.25 * biasValue - 0.25 * slope * distance + 0.25 * maskFactor * maskValue;
          if (quarter <= -quarterLimit) {
            result = minusInfinity;
          } else if (quarter >= quarterLimit) {
            result = 0;
          } else {
            result += biasValue;
            result -= slope * distance;
            result += maskFactor * maskValue;
          }
        }`,
  ),
};

/** Factor of the softcap in gradients: the derivative of tanh, 1 − tanh², as 4 e⁻²ˣ / (1 + e⁻²ˣ)² with all digits. */
export const softcapSlopes: Program<typeof arrays, typeof integers, typeof numbers> = {
  name: 'softcapSlopes',
  arrays,
  integers,
  numbers,
  body: forAttended(
    '0',
    `
        const decay = Math.exp(-2 * Math.abs(dot * scale / softcap));
        result = 4 * decay / ((1 + decay) * (1 + decay));`,
  ),
};
