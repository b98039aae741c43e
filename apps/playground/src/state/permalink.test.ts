import { describe, expect, test } from 'vitest';
import { fromHash, toHash } from './permalink.ts';
import { INITIAL, type State, change } from './state.ts';

const changed: State = {
  page: 'compare',
  capture: 'bank-money',
  backend: INITIAL.backend,
  layer: 3,
  head: 11,
  token: 4,
  selection: 'sample',
  seed: 12,
  causal: true,
  window: 2,
  temperature: 0.35,
  longest: 4096,
  local: true,
  text: 'Say “a&b” = 100 %\n¿qué?',
  writeLayer: 29,
  writeHead: 0,
};

describe('a permalink', () => {
  test('restores every part of the state', () => {
    expect(fromHash(toHash(changed))).toEqual(changed);
    for (const key of Object.keys(changed) as (keyof State)[]) {
      const state = change(INITIAL, { [key]: changed[key] });
      expect(fromHash(toHash(state))).toEqual(state);
    }
  });

  test('keeps a text with a question mark that was decoded on its way', () => {
    expect(fromHash('#write?text=Who?+Me?&writeHead=3')).toMatchObject({ text: 'Who? Me?', writeHead: 3 });
  });

  test('keeps the beginning of a text that is too long', () => {
    const { text } = fromHash(toHash({ ...INITIAL, page: 'write', text: 'word '.repeat(1000) }));
    expect(text).toBe('word '.repeat(400));
  });

  test('is short in the beginning', () => {
    expect(toHash(INITIAL)).toBe('#look');
    expect(fromHash('')).toEqual(INITIAL);
  });

  test.each([
    '#nowhere',
    '#look?layer=9&head=x&window=-1&temperature=1e9',
    '#look?backend=gpujs-webgl2',
    '#look?backend=url:https://x.test/a.js',
    '#look?capture=__proto__',
    '#look?__proto__=1',
  ])('that makes no sense is the beginning: %s', (hash) => expect(fromHash(hash)).toEqual(INITIAL));

  test.each(['wasm-threads', 'url:https://x.test/a.js'])(
    'does not carry the backend, which may be missing where it leads: %s',
    (backend) => expect(toHash({ ...INITIAL, backend })).toBe('#look'),
  );
});

test('another sentence has other tokens, and layers that it has', () => {
  expect(change({ ...INITIAL, token: 9, layer: 3 }, { capture: 'passage' })).toMatchObject({
    token: null,
    layer: 0,
  });
});
