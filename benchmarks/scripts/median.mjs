/** The middle one of numbers; the upper one of two. */
export const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
