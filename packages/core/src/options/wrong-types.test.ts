import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AttentionBackend, attention, mergeAttention, resolveRequest, tensor } from '../index.ts';
import reference from '../reference/index.ts';

let backend: AttentionBackend;
beforeAll(async () => {
  backend = await reference.create();
});
afterAll(() => backend.dispose());

/** One value of each JavaScript type, and values that are easily mistaken for another type. */
const VALUES: Readonly<Record<string, unknown>> = {
  'a string of a number': '0.5',
  'a word': 'yes',
  'an array of a number': [0.25],
  true: true,
  'a number': 7.5,
  NaN: Number.NaN,
  'a bigint': 2n,
  'a symbol': Symbol('own'),
  'a function': () => 0.5,
  'an object': { value: 0.5 },
  'a Set': new Set([1]),
  'a Date': new Date(0),
  'a Number object': Object(0.5),
  'a bigint in an array': [2n],
  'a symbol in an array': [Symbol('own')],
  'a hole in an array': Array(1),
  'a proxy': new Proxy({}, {}),
};

const x = tensor(new Float32Array(6), [1, 1, 3, 2]);
const request = { query: x, key: x, value: x };

/** Every option of a request, with the values of the list that are valid. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  layout: [],
  scale: ['a number'],
  softcap: ['a number'],
  causal: ['true'],
  // A proxy of an empty object is a window without sides.
  window: ['a proxy'],
  alignment: [],
  selection: [],
  seed: [],
  gradient: ['true'],
  output: ['true'],
  weights: ['true'],
  logSumExp: ['true'],
  statistics: ['true'],
  choice: [],
  keyLengths: [],
  keyStarts: [],
  queryLengths: [],
  mask: ['an array of a number'],
  bias: ['an array of a number'],
  querySegments: [],
  keySegments: [],
  alibiSlopes: ['an array of a number'],
  sinks: ['an array of a number'],
  query: [],
  key: [],
  value: [],
};

const everyValue = Object.entries(VALUES);

/** Names in messages that cover several inputs at once. */
const CALLED: Readonly<Record<string, string>> = {
  keyLengths: 'engths',
  keyStarts: 'tarts',
  queryLengths: 'engths',
  keySegments: 'Segments',
};

const CODES = ['ARGUMENT', 'SHAPE', 'DTYPE', 'UNKNOWN_OPTION', 'MISSING_INPUT', 'UNEXPECTED_INPUT'];
const remedy = expect.stringMatching(/./) as string;
/** An error of Heed for a wrong value. */
const refusal = { name: 'HeedError', code: expect.toBeOneOf(CODES) as string };

describe.each(Object.entries(OPTIONS))('%s of a request', (name, right) => {
  const wrong = everyValue.filter(([kind]) => !right.includes(kind));
  test.each(wrong)('that is %s is refused', async (_, value) => {
    const message = expect.stringContaining(CALLED[name] ?? name) as string;
    await expect(attention(backend, { ...request, [name]: value })).rejects.toMatchObject({
      ...refusal,
      message,
      remedy,
    });
  });
});

describe.each(['left', 'right'])('the %s of a window', (side) => {
  test.each(everyValue)('that is %s is refused', async (_, value) => {
    const called = attention(backend, { ...request, window: { [side]: value } });
    await expect(called).rejects.toMatchObject({ ...refusal, code: 'ARGUMENT', remedy });
  });
});

describe('the offset of an alignment', () => {
  test.each(everyValue)('that is %s is refused', async (_, value) => {
    const alignment = { offset: value as never };
    const called = attention(backend, { ...request, causal: true, alignment });
    await expect(called).rejects.toMatchObject(refusal);
  });

  test.each(everyValue)('that is %s is refused where nothing needs it, too', async (_, value) => {
    const called = attention(backend, { ...request, alignment: { offset: value as never } });
    await expect(called).rejects.toMatchObject(refusal);
  });
});

describe.each(['resident', 'signal'])('%s of a run', (name) => {
  test.each(everyValue.filter(([kind]) => name !== 'resident' || kind !== 'true'))(
    'that is %s is refused',
    async (_, value) => {
      await expect(attention(backend, request, { [name]: value } as never)).rejects.toMatchObject({
        ...refusal,
        code: 'ARGUMENT',
        message: expect.stringContaining(`${name} is `) as string,
        remedy: expect.stringContaining(name) as string,
      });
    },
  );
});

const PROBLEM = resolveRequest({ ...request, causal: true, mask: tensor(new Uint8Array(9), [3, 3]) }).problem;

describe.each(Object.keys(PROBLEM))('%s of a problem', (name) => {
  const right: Readonly<Record<string, readonly string[]>> = {
    scale: ['a number'],
    softcap: ['a number'],
    causal: ['true'],
    segments: ['true'],
    alibi: ['true'],
    sinks: ['true'],
    gradient: ['true'],
  };
  test.each(everyValue.filter(([kind]) => !right[name]?.includes(kind)))(
    'that is %s is refused',
    async (_, value) => {
      await expect(backend.compile({ ...PROBLEM, [name]: value } as never)).rejects.toMatchObject(refusal);
    },
  );
});

test.each(everyValue)('parts and options of a merge that are %s are refused', async (_, value) => {
  await expect(async () => mergeAttention(value as never)).rejects.toMatchObject(refusal);
  await expect(async () => mergeAttention([value as never])).rejects.toMatchObject(refusal);
  await expect(async () => mergeAttention([], { layout: value as never })).rejects.toMatchObject(refusal);
});

test.each(everyValue)('a tensor whose shape or data is %s is refused', async (_, value) => {
  await expect(async () => tensor(new Float32Array(1), value as never)).rejects.toMatchObject(refusal);
  await expect(async () => tensor(value as never, [1])).rejects.toMatchObject(refusal);
});

test.each(everyValue)('a backend that is %s is refused', async (_, value) => {
  await expect(async () => attention(value as never, request)).rejects.toMatchObject({
    ...refusal,
    code: 'ARGUMENT',
  });
});

test.each(everyValue)('a request that is %s is refused', async (_, value) => {
  await expect(async () => attention(backend, value as never)).rejects.toMatchObject(refusal);
});
