import { type Program, integer } from './program.ts';

const dataOnly = ['data'] as const;
const none = [] as const;

/** Uploads an array of the host to the device. */
export const copy: Program<typeof dataOnly, readonly [], readonly []> = {
  name: 'copy',
  arrays: dataOnly,
  integers: none,
  numbers: none,
  body: 'return data[this.thread.x];',
};

const spliceArrays = ['data', 'part'] as const;
const spliceIntegers = ['length', 'inner', 'start', 'count'] as const;

/** An array `[outer, length, inner]` with `count` entries of its middle axis replaced from `start` on. */
export const splice: Program<typeof spliceArrays, typeof spliceIntegers, readonly []> = {
  name: 'splice',
  arrays: spliceArrays,
  integers: spliceIntegers,
  numbers: none,
  body: `
    ${integer('entry', 'this.thread.y - start')}
    let result = 0;
    if (entry >= 0 && entry < count) {
      result = part[(this.thread.z * count + entry) * inner + this.thread.x];
    } else {
      result = data[(this.thread.z * length + this.thread.y) * inner + this.thread.x];
    }
    return result;`,
};

const checkIntegers = ['turns'] as const;

/** Adds a number to itself: a program with a known result, in a loop longer than gpu.js's default limit. */
export const repeatedSum: Program<typeof dataOnly, typeof checkIntegers, readonly []> = {
  name: 'repeatedSum',
  arrays: dataOnly,
  integers: checkIntegers,
  numbers: none,
  body: `
    let sum = 0;
    for (let n = 0; n < turns; n++) {
      sum += data[this.thread.x];
    }
    return sum;`,
};
