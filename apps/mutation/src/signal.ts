/** What the worker says before each case. */
export const BEGINS = 'begins';
