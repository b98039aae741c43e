import { type Program, integer, quotient } from '../../platform/program.ts';

const arrays = ['scores', 'rows'] as const;
const arraysOfMaximum = ['scores', 'rows', 'sinks'] as const;
const arraysOfSum = ['scores', 'rows', 'sinks', 'maxima'] as const;

const integers = [
  'firstSlice',
  'firstRow',
  'firstKey',
  'tileRows',
  'tileKeys',
  'heads',
  'queryLength',
  'sinkHead',
] as const;
const numbers = ['minusInfinity'] as const;

/** Thread x is a row of the tile. `at` is the start of its scores, `count` the number of keys it can see. */
const findRow = `
    ${integer('tileSlice', quotient('this.thread.x', 'tileRows'))}
    ${integer('slice', 'firstSlice + tileSlice')}
    ${integer('b', quotient('slice', 'heads'))}
    ${integer('i', 'firstRow + this.thread.x - tileSlice * tileRows')}
    ${integer('row', '4 * (b * queryLength + i)')}
    const first = rows[row];
    const count = rows[row + 1] - first;
    ${integer('at', 'this.thread.x * tileKeys - firstKey')}
    at += ~~first;`;

/** The maximum of the scores of each row, including the sink; `minusInfinity` if there are none. */
export const rowMaximum: Program<typeof arraysOfMaximum, typeof integers, typeof numbers> = {
  name: 'rowMaximum',
  arrays: arraysOfMaximum,
  integers: integers,
  numbers,
  body: `${findRow}
    let maximum = sinks[(slice - b * heads) * sinkHead];
    for (let n = 0; n < count; n++) {
      const score = scores[at];
      if (score != minusInfinity && (maximum == minusInfinity || score > maximum)) maximum = score;
      at++;
    }
    return maximum;`,
};

/** Σ exp(score − maximum) of each row, including the sink; 0 if there are none. */
export const rowSum: Program<typeof arraysOfSum, typeof integers, typeof numbers> = {
  name: 'rowSum',
  arrays: arraysOfSum,
  integers: integers,
  numbers,
  body: `${findRow}
    const maximum = maxima[this.thread.x];
    const sink = sinks[(slice - b * heads) * sinkHead];
    let sum = 0;
    if (sink != minusInfinity) sum = Math.exp(sink - maximum);
    for (let n = 0; n < count; n++) {
      const score = scores[at];
      if (score != minusInfinity) sum += Math.exp(score - maximum);
      at++;
    }
    return sum;`,
};

/** Hard attention: the lowest index among the maxima of each row; −1 if there are none. */
export const rowChoice: Program<typeof arrays, typeof integers, typeof numbers> = {
  name: 'rowChoice',
  arrays,
  integers,
  numbers,
  body: `${findRow}
    let choice = -1;
    let maximum = minusInfinity;
    for (let n = 0; n < count; n++) {
      const score = scores[at];
      if (score != minusInfinity && (choice < 0 || score > maximum)) {
        choice = first + n;
        maximum = score;
      }
      at++;
    }
    return choice;`,
};
