import ts from '@heed/backend-ts';
import { HeedError, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import {
  allHeads,
  colorAt,
  heatmap,
  overAudio,
  overImage,
  pooledWeights,
  rollout,
  shrink,
  toHTML,
  toSVG,
  toTerminal,
} from './index.ts';
import { toPNG } from './png/png.ts';

/** Type that fits everywhere, for what a caller without types may write. */
type Anything = never;

/** Error of a call; an error that is not one of Heed fails the test. */
async function errorOf(work: () => unknown): Promise<HeedError> {
  try {
    await work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const weights = tensor(new Float32Array([0.1, 0.2, 0.3, 0.4]), [1, 4]);
const view = heatmap(weights);
const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]);
const pooled = async (options?: object): Promise<unknown> =>
  pooledWeights(await ts.create(), { query: x, key: x }, options as Anything);

const calls: Record<string, [call: (options: Anything) => unknown, known: string]> = {
  heatmap: [(o) => heatmap(weights, o), 'title'],
  allHeads: [(o) => allHeads(weights, o), 'title'],
  overImage: [(o) => overImage(weights, { query: 0, grid: [2, 2], ...(o as object) }), 'grid'],
  overAudio: [(o) => overAudio(weights, { secondsPerFrame: 1, ...(o as object) }), 'samples'],
  toSVG: [(o) => toSVG(view, o), 'theme'],
  toHTML: [(o) => toHTML(view, o), 'theme'],
  toPNG: [(o) => toPNG(view, o), 'scale'],
  toTerminal: [(o) => toTerminal(view, o), 'color'],
  pooledWeights: [pooled, 'maximum'],
};

test.each(Object.entries(calls))('%s refuses an option that is not there', async (name, [call, known]) => {
  const error = await errorOf(() => call({ quux: 'Layer 0' } as Anything));
  expect(error).toMatchObject({
    code: 'UNKNOWN_OPTION',
    message: expect.stringContaining(`${name}(): unknown option \`quux\`; `),
  });
  expect(error.remedy).toContain(known);
  await call({ quux: undefined } as Anything);
});

test('allHeads has no head to choose', async () => {
  expect(await errorOf(() => allHeads(weights, { head: 0 } as Anything))).toMatchObject({
    message: expect.stringContaining('allHeads(): unknown option `head`'),
  });
});

test.each([[null], ['Layer 0'], [[]]])('options that are %j', async (options) => {
  for (const name of ['heatmap', 'toSVG', 'toTerminal', 'pooledWeights']) {
    expect((await errorOf(() => calls[name]![0](options as Anything))).code).toBe('ARGUMENT');
  }
});

const values: [call: string, options: object, message: string][] = [
  ['toSVG', { colorMap: 'jet' }, 'colorMap is "jet"; expected magma or inferno or plasma or viridis or RdBu'],
  [
    'toHTML',
    { colorMap: 'jet' },
    'colorMap is "jet"; expected magma or inferno or plasma or viridis or RdBu',
  ],
  [
    'toTerminal',
    { colorMap: 'toString' },
    'colorMap is "toString"; expected magma or inferno or plasma or viridis or RdBu',
  ],
  ['toSVG', { theme: 'drak' }, 'theme is "drak"; expected light or dark or auto'],
  ['toHTML', { theme: 'drak' }, 'theme is "drak"; expected light or dark or auto'],
  ['toPNG', { theme: 'auto' }, 'theme is "auto"; expected light or dark'],
  ['toPNG', { fonts: ['font.ttf'] }, 'fonts is ["font.ttf"]; expected an array of files'],
  ['toTerminal', { color: true }, 'color is true; expected truecolor or 256 or none'],
  ['toTerminal', { columns: NaN }, 'columns is NaN; expected a whole number'],
  ['toHTML', { title: 7 }, 'title is 7; expected text'],
  ['heatmap', { title: 7 }, 'title is 7; expected text'],
  ['heatmap', { domain: 'foo' }, 'domain is "foo"; expected two finite numbers, low < high, or \'robust\''],
  ['heatmap', { domain: 1 }, "domain is 1; expected two finite numbers, low < high, or 'robust'"],
  ['heatmap', { domain: [1, 0] }, "domain is [1, 0]; expected two finite numbers, low < high, or 'robust'"],
  ['heatmap', { rows: 'a' }, 'rows is "a"; expected an array of Lq=1 labels'],
  ['heatmap', { columns: 'abcd' }, 'columns is "abcd"; expected an array of Lk=4 labels'],
  ['heatmap', { highlight: 0 }, 'highlight: the options are 0; expected an object'],
  ['overImage', { grid: 2 }, 'grid is 2 after 0 keys; weights have Lk=4'],
  ['overImage', { grid: [1, 1], skip: -1 }, 'overImage(): skip is -1; expected an integer ≥ 0'],
  ['overAudio', { samples: 'sound' }, 'samples is "sound"; expected a Float32Array'],
  ['pooledWeights', { rows: 2 }, 'rows is 2; expected a part of 0 to 3'],
  ['pooledWeights', { rows: { rows: 2 } }, 'rows is an object; expected a part of 0 to 3'],
  ['pooledWeights', { columns: [0, 9] }, 'columns is [0, 9]; expected a part of 0 to 3'],
  ['pooledWeights', { maximum: 0 }, 'maximum is 0; expected an integer ≥ 1'],
];

test.each(values)('%s(%j)', async (name, options, message) => {
  const error = await errorOf(() => calls[name]![0](options as Anything));
  expect(error).toMatchObject({ code: 'ARGUMENT', reason: message });
  expect(error.remedy).toBeTruthy();
});

test('a misspelled side of a highlight', async () => {
  const error = await errorOf(() => heatmap(weights, { highlight: { row: 0, colum: 1 } } as Anything));
  expect(error).toMatchObject({
    code: 'UNKNOWN_OPTION',
    message: 'highlight: unknown option `colum`; did you mean `column`?',
  });
});

test('colorAt knows its maps', async () => {
  expect((await errorOf(() => colorAt('jet' as Anything, 0.5, 'light'))).code).toBe('ARGUMENT');
});

test.each([0, -1, 1.5, NaN, undefined])('a view cannot be shrunk to %s', async (most) => {
  expect(await errorOf(() => shrink(view, most as Anything))).toMatchObject({
    code: 'ARGUMENT',
    reason: `maximum is ${most}; expected an integer ≥ 1`,
  });
});

describe('what stands where weights, pictures or a backend belong', () => {
  test('resident weights are to be read first', async () => {
    const backend = await ts.create();
    const resident = (await backend.upload(weights)) as Anything;
    for (const draw of [heatmap, allHeads]) {
      expect(await errorOf(() => draw(resident))).toMatchObject({
        code: 'ARGUMENT',
        remedy: 'await weights.read() gives a plain one',
      });
    }
    expect((await errorOf(() => rollout([resident]))).code).toBe('ARGUMENT');
  });

  test('weights are not a picture yet', async () => {
    for (const draw of [toSVG, toHTML, toTerminal, toPNG]) {
      const error = await errorOf(() => draw(weights as Anything));
      expect(error.code).toBe('ARGUMENT');
      expect(error.remedy).toContain('heatmap(weights)');
      expect((await errorOf(() => draw(undefined as Anything))).code).toBe('ARGUMENT');
    }
  });

  test('one tensor is not an array of layers', async () => {
    expect((await errorOf(() => rollout(weights as Anything))).remedy).toContain('array');
  });

  test('a provider or a promise is not a backend, and a request has tensors', async () => {
    for (const none of [ts, ts.create(), undefined, {}]) {
      const error = await errorOf(() => pooledWeights(none as Anything, { query: x, key: x }));
      expect(error.code).toBe('ARGUMENT');
      expect(error.remedy).toContain('await provider.create()');
    }
    const backend = await ts.create();
    expect((await errorOf(() => pooledWeights(backend, undefined as Anything))).code).toBe('MISSING_INPUT');
    expect((await errorOf(() => pooledWeights(backend, { query: [[1]], key: x } as Anything))).code).toBe(
      'SHAPE',
    );
  });
});
