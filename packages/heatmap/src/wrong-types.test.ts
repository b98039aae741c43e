import ts from '@heed/backend-ts';
import { HeedError, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import {
  allHeads,
  colorAt,
  escapeMarkup,
  formatCell,
  formatValue,
  heatmap,
  inkOn,
  meanOverHeads,
  overAudio,
  overImage,
  pooledWeights,
  positionIn,
  rollout,
  shrink,
  toHTML,
  toHex,
  toSVG,
  toTerminal,
  visibleText,
} from './index.ts';
import { toPNG } from './png/png.ts';

/** One value of each JavaScript type, and values that are easily mistaken for another type. */
const VALUES: Readonly<Record<string, unknown>> = {
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
const everyValue = Object.entries(VALUES);
const CODES = ['ARGUMENT', 'SHAPE', 'DTYPE', 'UNKNOWN_OPTION', 'MISSING_INPUT'];

/** The error of a call, which must be one of Heed. */
async function refusal(work: () => unknown): Promise<HeedError> {
  try {
    await work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error;
    throw new Error('not an error of Heed', { cause: error });
  }
  throw new Error('nothing was refused');
}

type Options = never;
const weights = tensor(new Float32Array([0.1, 0.9, 0.8, 0.2]), [2, 2]);
const view = heatmap(weights);
const x = tensor(new Float32Array([1, 0, 0, 1]), [1, 1, 2, 2]);
const backend = await ts.create();

const TEXTS = ['a string of a number', 'a word'];
const COMMON = { batch: [], head: [], title: TEXTS, description: TEXTS, highlight: [], domain: [] };
const LABELS = { rows: [], columns: [] };

/** Each function, and for each option which values of the list are right. */
const CALLS: readonly [
  name: string,
  call: (options: object) => unknown,
  options: Readonly<Record<string, readonly string[]>>,
][] = [
  ['heatmap', (o) => heatmap(weights, o as Options), { ...COMMON, ...LABELS }],
  [
    'allHeads',
    (o) => allHeads(weights, o as Options),
    { ...LABELS, batch: [], title: TEXTS, description: TEXTS, highlight: [], domain: [] },
  ],
  [
    'overImage',
    (o) => overImage(weights, { query: 0, grid: [1, 2], ...o } as Options),
    {
      query: [],
      grid: [],
      skip: [],
      image: [],
      batch: [],
      head: [],
      title: TEXTS,
      description: TEXTS,
      domain: [],
    },
  ],
  [
    'overAudio',
    (o) => overAudio(weights, { secondsPerFrame: 1, ...o } as Options),
    { secondsPerFrame: ['a part of a number'], samples: [], rows: [], title: TEXTS, domain: [] },
  ],
  ['toSVG', (o) => toSVG(view, o as Options), { colorMap: [], theme: [], id: TEXTS }],
  ['toHTML', (o) => toHTML(view, o as Options), { colorMap: [], theme: [], title: TEXTS }],
  [
    'toTerminal',
    (o) => toTerminal(view, o as Options),
    { color: [], colorMap: [], columns: ['a negative number'] },
  ],
  [
    'toPNG',
    (o) => toPNG(view, o as Options),
    { scale: ['a part of a number'], colorMap: [], theme: [], fonts: [] },
  ],
  [
    'pooledWeights',
    (o) => pooledWeights(backend, { query: x, key: x }, o as Options),
    { batch: [], head: [], rows: [], columns: [], maximum: [], signal: [], onProgress: ['a function'] },
  ],
];

describe.each(CALLS)('%s()', (_function, call, options) => {
  test('takes no options but its own', async () => {
    await call({});
  });

  describe.each(Object.entries(options))('whose %s', (name, right) => {
    test.each(everyValue.filter(([kind]) => !right.includes(kind)))(
      'is %s refuses it by name',
      async (_, value) => {
        const error = await refusal(() => call({ [name]: value }));
        expect(CODES).toContain(error.code);
        expect(error.message).toContain(name);
        expect(error.remedy, error.message).toBeTruthy();
      },
    );
  });
});

describe('instead of weights or a picture', () => {
  const takers = { heatmap, allHeads, meanOverHeads, rollout, toSVG, toHTML, toTerminal, toPNG, shrink };
  test.each(Object.entries(takers))('%s() refuses every other value', async (_, take) => {
    for (const [kind, value] of everyValue) {
      const error = await refusal(() => (take as (given: unknown) => unknown)(value));
      expect(CODES, kind).toContain(error.code);
    }
  });
});

describe('helpers', () => {
  const NUMBERS = ['a part of a number', 'a negative number', 'NaN'];
  const TAKERS: readonly [name: string, take: (given: never) => unknown, right: readonly string[]][] = [
    ['visibleText', visibleText, TEXTS],
    ['escapeMarkup', escapeMarkup, TEXTS],
    ['formatValue', formatValue, NUMBERS],
    ['formatCell', formatCell, NUMBERS],
    ['inkOn', inkOn, []],
    ['toHex', toHex, []],
    ['positionIn', (domain) => positionIn(domain, 0), []],
    ['positionIn, the value,', (value) => positionIn([0, 1], value), NUMBERS],
    ['colorAt', (map) => colorAt(map, 0, 'dark'), []],
    ['colorAt, t,', (t) => colorAt('magma', t, 'dark'), ['a part of a number']],
    ['colorAt, the scheme,', (scheme) => colorAt('magma', 0, scheme), []],
  ];
  test.each(TAKERS)('%s refuses every value of another type', async (_, take, right) => {
    for (const [kind, value] of [...everyValue, ['undefined', undefined], ['null', null]] as const) {
      if (right.includes(kind)) expect(() => take(value as never)).not.toThrow();
      else {
        const error = await refusal(() => take(value as never));
        expect({ code: error.code, hasRemedy: Boolean(error.remedy) }, kind).toEqual({
          code: 'ARGUMENT',
          hasRemedy: true,
        });
      }
    }
  });
});
