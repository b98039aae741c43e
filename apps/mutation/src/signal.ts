/** Message of the worker before each case. */
export const BEGINS = 'begins';
