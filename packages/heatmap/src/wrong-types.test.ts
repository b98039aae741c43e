import ts from '@heed/backend-ts';
import { type HeedErrorCode, tensor } from '@heed/core';
import { type RightValues, WRONG_VALUES, refusal, refusesWrongValues } from '@heed/testing';
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

const everyValue = Object.entries(WRONG_VALUES);
const CODES: readonly HeedErrorCode[] = ['ARGUMENT', 'SHAPE', 'DTYPE', 'UNKNOWN_OPTION', 'MISSING_INPUT'];

type Options = never;
const weights = tensor(new Float32Array([0.1, 0.9, 0.8, 0.2]), [2, 2]);
const view = heatmap(weights);
const x = tensor(new Float32Array([1, 0, 0, 1]), [1, 1, 2, 2]);
const backend = await ts.create();

const TEXTS = ['a string of a number', 'a word'];
const COMMON = { batch: [], head: [], title: TEXTS, description: TEXTS, highlight: [], domain: [] };
const LABELS = { rows: [], columns: [] };

/** Each function, and for each option which values of the list are right. */
const CALLS: readonly [name: string, call: (options: object) => unknown, options: RightValues][] = [
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

  refusesWrongValues(call, options, CODES);
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
