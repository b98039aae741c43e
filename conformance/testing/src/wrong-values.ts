import { HeedError, type HeedErrorCode } from '@heed/core';
import { describe, expect, test } from 'vitest';

/** Values of each JavaScript type, and such as are easily mistaken for another type, by what they are. */
export const WRONG_VALUES: Readonly<Record<string, unknown>> = {
  'a string of a number': '2',
  'a word': 'yes',
  'an array of a number': [2],
  true: true,
  'a part of a number': 0.5,
  'a negative number': -1,
  NaN: Number.NaN,
  'a bigint': 2n,
  'a symbol': Symbol('own'),
  'a function': () => 0.5,
  'an object': { value: 2 },
  'a Set': new Set([1]),
  'a Number object': Object(2),
  'symbols in an array': [Symbol('own'), Symbol('own')],
  'holes in an array': Array(2),
};

/** Error of a call, which must be one of Heed. */
export async function refusal(work: () => unknown): Promise<HeedError> {
  try {
    await work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error;
    throw new Error('not an error of Heed', { cause: error });
  }
  throw new Error('nothing was refused');
}

/** Options of a call, and for each which of {@link WRONG_VALUES} are right. */
export type RightValues = Readonly<Record<string, readonly string[]>>;

/** Defines tests that a call refuses each wrong value of each of its options, by the option's name and with a remedy. */
export function refusesWrongValues(
  call: (options: Readonly<Record<string, unknown>>) => unknown,
  options: RightValues,
  codes: readonly HeedErrorCode[],
): void {
  describe.each(Object.entries(options))('whose %s', (name, right) => {
    const wrong = Object.entries(WRONG_VALUES).filter(([kind]) => !right.includes(kind));
    test.each(wrong)('is %s refuses it by name', async (_, value) => {
      const error = await refusal(() => call({ [name]: value }));
      expect(codes).toContain(error.code);
      expect(error.message).toContain(name);
      expect(error.remedy, error.message).toBeTruthy();
    });
  });
}
