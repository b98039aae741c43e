import { type OptionKind, listOf } from '@heed/core/backend';

/** Cases, as `allCases()`, `bundledCases()` and `readCases()` give them. */
export const cases: OptionKind = listOf({
  expected: 'a case',
  accepts: (value) => {
    const { id, clause, kind } = (value ?? {}) as Readonly<Record<string, unknown>>;
    return [id, clause, kind].every((member) => typeof member === 'string');
  },
});

/** Reasons by the ids of cases. */
export const expectedFailures: OptionKind = {
  expected: 'an object with a reason for each id',
  accepts: (value) =>
    Object.prototype.toString.call(value) === '[object Object]' &&
    Object.values(value as object).every((reason) => typeof reason === 'string'),
};
