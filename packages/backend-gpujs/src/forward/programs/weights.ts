import { type Program, integer } from '../../platform/program.ts';

const softArrays = ['scores', 'maxima', 'sums'] as const;
const softIntegers = ['tileRows', 'tileKeys'] as const;
const softNumbers = ['minusInfinity'] as const;

const hardArrays = ['choices'] as const;
const hardIntegers = ['firstKey', 'tileRows'] as const;

const findRow = integer('row', 'this.thread.z * tileRows + this.thread.y');

/** The softmax of a tile: thread x is a key, y a row, z a slice. Keys that a row may not attend to have weight 0. */
export const softWeights: Program<typeof softArrays, typeof softIntegers, typeof softNumbers> = {
  name: 'softWeights',
  arrays: softArrays,
  integers: softIntegers,
  numbers: softNumbers,
  body: `
    ${findRow}
    const score = scores[row * tileKeys + this.thread.x];
    let weight = 0;
    if (score != minusInfinity) weight = Math.exp(score - maxima[row]) / sums[row];
    return weight;`,
};

/** Hard attention: weight 1 at the chosen key. */
export const hardWeights: Program<typeof hardArrays, typeof hardIntegers, readonly []> = {
  name: 'hardWeights',
  arrays: hardArrays,
  integers: hardIntegers,
  numbers: [],
  body: `
    ${findRow}
    let weight = 0;
    if (choices[row] == firstKey + this.thread.x) weight = 1;
    return weight;`,
};
