import { describe, expect, test } from 'vitest';
import {
  type OptionKind,
  type OptionTable,
  abortSignal,
  array,
  callback,
  checkOptions,
  flag,
  integer,
  listOf,
  number,
  oneOf,
  required,
  text,
} from '../backend/index.ts';
import { HeedError } from '../index.ts';

/** The error of a check; null if the options are valid. */
function errorOf(given: unknown, table: Readonly<Record<string, OptionKind | true>>): HeedError | null {
  try {
    checkOptions('own.create()', given, table as OptionTable<object>);
    return null;
  } catch (error) {
    if (HeedError.isInstance(error)) return error;
    throw error;
  }
}

describe('names', () => {
  const attention = { query: true, key: true, value: true, causal: true, mask: true, scale: true } as const;
  const extras = { window: true, weights: true, keyLengths: true, softcap: true, dropout: true } as const;
  const known = { ...attention, ...extras };

  test.each([
    // A typing error.
    ['casual', 'did you mean `causal`?'],
    ['maks', 'did you mean `mask`?'],
    ['keyLength', 'did you mean `keyLengths`?'],
    ['soft_cap', 'did you mean `softcap`?'],
    // Words of other libraries.
    ['is_causal', 'write `causal: true`'],
    ['isCausal', 'write `causal: true`'],
    ['attn_mask', 'true where a query may attend'],
    ['key_padding_mask', 'the other way round'],
    ['dropout_p', 'write `dropout: { probability, seed }`'],
    ['num_heads', 'has an axis of heads'],
    ['need_weights', 'write `weights: true`'],
    ['enable_gqa', 'fewer heads than `query`'],
    ['softmax_scale', 'write `scale`'],
    ['window_size', 'write `window: { left, right }`'],
    ['keyMask', 'write `keyLengths`, or a `mask`'],
    ['score_mod', 'a `mask` or a `bias`'],
    // Of the argument after the inputs.
    ['signal', 'after the inputs: `{ signal }`'],
    ['gradient', 'after the inputs: `{ gradient: true }`'],
    // Nothing is similar.
    ['temperature', 'the options are query, key, value, causal'],
    ['constructor', 'the options are query'],
  ])('%s: %s', (name, suggestion) => {
    const error = errorOf({ [name]: 1 }, known)!;
    expect(error.code).toBe('UNKNOWN_OPTION');
    expect(error.message).toContain(`own.create(): unknown option \`${name}\`; `);
    expect(error.message).toContain(suggestion);
    expect(error.remedy).toContain(suggestion);
  });

  test('many options are not all listed, and none where one is suggested', () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`option${n}`, true as const]));
    const { remedy } = errorOf({ temperature: 1 }, many)!;
    expect(remedy).toMatch(/^leave out temperature; the options are option0, .*option11, …$/);
    expect(errorOf({ optoin3: 1 }, many)!.remedy).toBe('did you mean `option3`?');
  });

  test.each([
    ['num_heads', { heads: true }, 'write `heads`'],
    ['num_kv_heads', { kvHeads: true }, 'write `kvHeads`'],
    ['need_weights', { weights: true }, 'write `weights: true`'],
    ['key_padding_mask', { keyMask: true }, 'write `keyMask`'],
    ['lr', { learningRate: true }, 'write `learningRate`'],
    ['thread', { threads: true }, 'did you mean `threads`?'],
    ['num_threads', { threads: true }, 'write `threads`'],
    ['fallBack', { fallback: true }, 'did you mean `fallback`?'],
    ['weights', { input: true }, 'after the inputs: `{ weights: true }`'],
    ['weights', { signal: true }, 'to the inputs'],
    ['causal', { signal: true, weights: true }, 'to the inputs'],
    // Advice that names an option requires that the option exists.
    ['is_causal', { threads: true }, 'the options are threads'],
    ['threads', {}, 'own.create() takes no options'],
  ] as const)('%s among %j: %s', (name, table, suggestion) => {
    expect(errorOf({ [name]: 1 }, table)!.message).toContain(suggestion);
  });

  test('what is undefined is left out, whatever its name', () => {
    expect(errorOf({ casual: undefined, causal: undefined }, { causal: flag })).toBeNull();
  });

  test('an inherited name counts', () => {
    expect(errorOf(Object.create({ casual: true }), known)!.code).toBe('UNKNOWN_OPTION');
  });

  test.each([
    [null, 'null'],
    [undefined, 'undefined'],
    ['threads', '"threads"'],
    [2, '2'],
    [2n, '2n'],
    [Symbol('x'), 'Symbol(x)'],
    [[2], '[2]'],
    [new Map([['threads', 2]]), 'a Map'],
    [() => 2, 'a function'],
  ])('%s is not an object of options', (given, words) => {
    expect(errorOf(given, { threads: true })).toMatchObject({
      code: 'ARGUMENT',
      reason: `own.create(): the options are ${words}; expected an object`,
      remedy: 'give an object; the options are threads',
    });
  });

  test('an object of a class, or without a prototype, is one', () => {
    class Options {
      threads = 2;
    }
    expect(errorOf(new Options(), { threads: true })).toBeNull();
    expect(errorOf(Object.assign(Object.create(null), { threads: 2 }), { threads: true })).toBeNull();
  });
});

describe('values', () => {
  const wrong: [kind: OptionKind, expected: string, refused: unknown[], taken: unknown[]][] = [
    [flag, 'true or false', ['yes', 1, 0, null, [], new Boolean(true)], [true, false]],
    [text, 'a string', [1, null, ['a'], Symbol('a')], ['', 'a']],
    [callback, 'a function', [1, 'f', {}], [() => 1, Date]],
    [integer(1, 256), 'an integer from 1 to 256', [0, 257, 1.5, NaN, '2', 2n, [2], true, null], [1, 256]],
    [integer(0), 'an integer ≥ 0', [-1, Infinity, 2 ** 53], [0, 2 ** 53 - 1]],
    [number('a number > 0', (n) => n > 0), 'a number > 0', [0, '1', [1], true, 1n, NaN], [0.5, Infinity]],
    [oneOf('auto', false), "'auto' or false", [true, 'Auto', ['auto'], 0], ['auto', false]],
    [array, 'an array', ['a', new Set(), new Uint8Array(1)], [[], [1, 'a']]],
    [
      listOf(oneOf('a')),
      "an array, each element 'a'",
      ['a', new Set(['a']), ['a', 1], Array(1)],
      [[], ['a']],
    ],
    [
      abortSignal,
      'the signal of an AbortController',
      [true, {}, new AbortController()],
      [AbortSignal.abort()],
    ],
  ];
  test.each(wrong)('%#: %j', (kind, expected, refused, taken) => {
    for (const value of refused) {
      const error = errorOf({ own: value }, { own: kind })!;
      expect(error.code).toBe('ARGUMENT');
      expect(error.message).toMatch(/^own\.create\(\): own is .+; expected /);
      expect(error.message).toContain(expected);
      expect(error.remedy).toBe(`set own to ${expected}, or leave it out`);
    }
    for (const value of taken) expect(errorOf({ own: value }, { own: kind })).toBeNull();
  });

  test('what is required', () => {
    const table = { own: required(flag) };
    expect(errorOf({}, table)).toMatchObject({
      code: 'ARGUMENT',
      reason: 'own.create(): own is undefined; expected true or false',
      remedy: 'set own to true or false',
    });
    expect(errorOf({ own: true }, table)).toBeNull();
  });

  test('its clause is that of the error', () => {
    expect(errorOf({ own: 1 }, { own: { ...flag, clause: 'causal' } })!.clause).toBe('causal');
  });

  test('what was given is told, and briefly', () => {
    const told = (value: unknown): string =>
      /own is (.+); expected/.exec(errorOf({ own: value }, { own: flag })!.message)![1]!;
    expect(told('x'.repeat(1000))).toBe(`"${'x'.repeat(40)}…"`);
    expect(told(Array.from({ length: 1000 }, (_, n) => n))).toBe('[0, 1, 2, 3, 4, …]');
    expect(told([[1], 'a', 1n])).toBe('[…, "a", 1n]');
    expect(told(-0)).toBe('-0');
    expect(told(new Uint8Array(3))).toBe('a Uint8Array');
    expect(told({})).toBe('an object');
    expect(told(Object.create(null))).toBe('an object');
  });
});
