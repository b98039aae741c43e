import { decode } from 'fast-png';
import { DOMParser, type Document, type Element } from '@xmldom/xmldom';
import { HeedError, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { type HeatmapOptions, type SVGOptions, heatmap, toSVG } from '../index.ts';

const parse = (svg: string): Document =>
  new DOMParser({
    // Warns of the replacement character, which is intended.
    onError: (level, message) => {
      if (level !== 'warning') throw new Error(`${level}: ${message}`);
    },
  }).parseFromString(svg, 'image/svg+xml');

const draw = (
  shape: [number, number],
  values: readonly number[],
  options: HeatmapOptions = {},
  svgOptions: SVGOptions = {},
): Document => parse(toSVG(heatmap(tensor(Float64Array.from(values), shape), options), svgOptions));

const all = (document: Document, name: string): Element[] => [...document.getElementsByTagName(name)];
const texts = (document: Document): string[] => all(document, 'text').map((text) => text.textContent ?? '');

const idsOf = (value: number): (string | null)[] =>
  all(draw([1, 1], [value]), '*')
    .filter((one) => one.hasAttribute('id'))
    .map((one) => one.getAttribute('id'));

const DRAWN = new Set('svg title desc style defs pattern path linearGradient stop g rect text'.split(' '));

const HOSTILE = [
  '<script>alert(1)</script>',
  ']]>',
  '"><svg onload=alert(1)>',
  "' onmouseover='x",
  '&amp;&lt;',
  '\u001B[31mred\u001B[0m',
  '\u0000\u0008\u000B\uFFFF\uD800',
  '\u202Egnp.exe',
  'שלום',
  '👩‍👩‍👧‍👦🇫🇷',
  'x'.repeat(200),
  '',
  '  ',
];

describe('a picture of weights', () => {
  test('shows every number in its place, and names every cell', () => {
    const document = draw([2, 2], [0.25, 0.75, 1, 0], { rows: ['a', 'b'], columns: ['c', 'd'] });
    const numbers = all(document, 'g')[0]!.getElementsByTagName('text');
    expect([...numbers].map((number) => number.textContent)).toEqual(['.250', '.750', '1.00', '·']);
    const names = all(document, 'rect').flatMap(
      (rect) => rect.getElementsByTagName('title')[0]?.textContent ?? [],
    );
    expect(names).toEqual(['a → c: 0.250', 'a → d: 0.750', 'b → c: 1.00', 'b → d: 0']);
  });

  test('the same value has the same color wherever it stands, another has another', () => {
    const cells = all(draw([1, 3], [0.5, 0.5, 1]), 'rect').filter(
      (rect) => rect.getElementsByTagName('title').length > 0,
    );
    const [first, second, third] = cells.map((rect) => rect.getAttribute('fill'));
    expect(first).toBe(second);
    expect(third).not.toBe(first);
  });

  test('what is not a number is hatched and says so', () => {
    const document = draw([1, 3], [NaN, Infinity, -Infinity], {}, { id: 'odd' });
    const cells = all(document, 'rect').filter((rect) => rect.getElementsByTagName('title').length > 0);
    expect(cells.map((rect) => rect.getAttribute('fill'))).toEqual(Array(3).fill('url(#odd-hatch)'));
    expect(texts(document)).toEqual(expect.arrayContaining(['NaN', '∞', '−∞']));
  });

  test('a highlighted cell is framed, and its number stands under the title', () => {
    const options = { rows: ['bank'], columns: ['mud', 'river'], highlight: { row: 0, column: 1 } };
    const document = draw([1, 2], [0.25, 0.5234], options);
    expect(texts(document)).toContain('bank → river  0.523');
    expect(all(document, 'rect').filter((rect) => rect.getAttribute('fill') === 'none')).toHaveLength(2);
  });

  test('a highlighted row tells its largest weight', () => {
    const document = draw([2, 2], [0, 1, 0.7, 0.3], { columns: ['c', 'd'], highlight: { row: 1 } });
    expect(texts(document)).toContain('1 → c  0.700');
  });

  test('a caption stands below everything, cut to the width; markup in it stays text', () => {
    const plain = draw([1, 2], [0.25, 0.75]);
    const heightOf = (document: Document): number => Number(document.documentElement!.getAttribute('height'));
    for (const caption of ['example.org/playground', ...HOSTILE.filter(Boolean), 'x'.repeat(500)]) {
      const captioned = draw([1, 2], [0.25, 0.75], {}, { caption });
      expect(heightOf(captioned)).toBeGreaterThan(heightOf(plain));
      expect(texts(captioned).slice(0, -1)).toEqual(texts(plain));
      expect(all(captioned, '*').every(({ tagName }) => DRAWN.has(tagName))).toBe(true);
      const line = all(captioned, 'text').at(-1)!;
      const last = all(plain, 'text').at(-1)!;
      expect(Number(line.getAttribute('y'))).toBeGreaterThan(Number(last.getAttribute('y')));
      expect(Number(line.getAttribute('y'))).toBeLessThan(heightOf(captioned));
      expect(line.textContent!.length).toBeLessThan(60);
    }
    expect(texts(draw([1, 2], [0.25, 0.75], {}, { caption: 'example.org/playground' })).at(-1)).toBe(
      'example.org/playground',
    );
    expect(draw([1, 2], [0.25, 0.75], {}, { caption: '' }).toString()).toBe(plain.toString());
  });

  test('the scale has its two ends', () => {
    expect(texts(draw([1, 2], [0.1, 0.523]))).toEqual(expect.arrayContaining(['0', '0.523']));
  });

  test.each([
    [0, 0],
    [0, 3],
    [3, 0],
    [1, 1],
    [100, 150],
  ])('%i × %i is a document', (rows, columns) => {
    const document = draw(
      [rows, columns],
      Array(rows * columns).fill(0.5),
      rows > 0 ? { highlight: { row: 0 } } : {},
    );
    expect(all(document, 'svg')).toHaveLength(1);
    expect(toSVG(heatmap(tensor(new Float32Array(rows * columns), [rows, columns])))).not.toContain('NaN');
  });

  test('many cells are one image for each scheme, and what is not a number lets the hatching through', () => {
    const values = Array.from({ length: 200 * 100 }, (_, at) => (at === 7 ? NaN : at));
    const images = all(draw([100, 200], values), 'image').map((image) => image.getAttribute('href')!);
    expect(images).toHaveLength(2);
    const { width, height, data } = decode(Buffer.from(images[0]!.split(',')[1]!, 'base64'));
    expect([width, height]).toEqual([200, 100]);
    expect([...data.slice(0, 4)]).toEqual([255, 255, 255, 255]);
    expect(data[4 * 7 + 3]).toBe(0);
    expect([...data.slice(-4)]).toEqual([0, 0, 4, 255]);
  });

  test('more cells than pixels are refused', () => {
    const view = heatmap(tensor(new Float32Array(2049 * 2048), [2049, 2048]));
    expect(() => toSVG(view)).toThrow(HeedError);
  });
});

describe('accessible, in any page', () => {
  test('it is an image with a title and a description that it points to', () => {
    const document = draw([1, 1], [1], { title: 'Layer <0>', description: 'Who & what' });
    const svg = document.documentElement!;
    expect(svg.getAttribute('role')).toBe('img');
    const labels = svg
      .getAttribute('aria-labelledby')!
      .split(' ')
      .map((id) => document.getElementById(id)?.textContent);
    expect(labels).toEqual(['Layer <0>', 'Who & what']);
  });

  test('two pictures in one page share no id, the same picture always has the same', () => {
    expect(idsOf(0.1)).toHaveLength(5);
    expect(idsOf(0.1)).toEqual(idsOf(0.1));
    expect(idsOf(0.1).filter((id) => idsOf(0.2).includes(id))).toEqual([]);
    expect(idsOf(NaN)).not.toEqual(idsOf(0));
  });

  test('styles reach nothing outside the picture', () => {
    const [style] = all(draw([2, 2], [0.1, 0.2, NaN, 1], {}, { id: 'mine' }), 'style');
    const rules = [...style!.textContent!.matchAll(/(?<=[{}])([^{}]+)(?=\{)/g)].map((match) => match[1]!);
    expect(rules.length).toBeGreaterThan(5);
    expect(rules.filter((selector) => !selector.startsWith('#mine '))).toEqual([]);
  });

  test('everything that has a color in the light has another in the dark', () => {
    const document = draw([2, 2], [0.1, 0.2, NaN, 1], { highlight: { row: 0 } });
    const sheet = all(document, 'style')[0]!.textContent!;
    const classes = all(document, '*').flatMap((one) => one.getAttribute('class') ?? []);
    expect(classes).toContain('s0');
    expect(classes.filter((name) => !sheet.includes(` .${name}{`))).toEqual([]);
  });

  test('a fixed theme needs no style sheet', () => {
    expect(all(draw([1, 1], [1], {}, { theme: 'dark' }), 'style')[0]!.textContent).toBe('');
  });

  test.each(['a b', '1a', '"', ''])('the id %j is refused', (id) => {
    expect(() => toSVG(heatmap(tensor(new Float32Array(1), [1, 1])), { id })).toThrow(HeedError);
  });

  test('the picture asks for nothing from elsewhere', () => {
    const svg = toSVG(heatmap(tensor(new Float32Array(1), [1, 1])));
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|@import/);
  });
});

describe('labels stay text', () => {
  test.each(HOSTILE)('%j', (label) => {
    const options = { title: label, description: label, highlight: { row: 0, column: 0 } };
    const document = draw([1, 1], [0.5], { ...options, rows: [label], columns: [label] });
    const elements = all(document, '*');
    expect(elements.filter(({ tagName }) => !DRAWN.has(tagName))).toEqual([]);
    const attributes = elements.flatMap((one) => Array.from(one.attributes, ({ name }) => name));
    expect(attributes.filter((name) => name.startsWith('on'))).toEqual([]);
  });

  test('the axes have the names that they were given, cut like labels', () => {
    const usual = texts(draw([1, 1], [1]));
    expect(usual).toEqual(expect.arrayContaining(['key →', 'query ↓']));
    const named = texts(draw([1, 1], [1], { axes: { rows: 'layer', columns: 'a<b'.repeat(10) } }));
    expect(named).toEqual(expect.arrayContaining(['layer ↓', `${'a<b'.repeat(10).slice(0, 23)}… →`]));
    expect(named).not.toContain('query ↓');
  });

  test('they are readable as they were given', () => {
    const document = draw([1, 1], [1], { rows: ['<b>&"\''], columns: ['שלום'] });
    expect(texts(document)).toEqual(expect.arrayContaining(['<b>&"\'', 'שלום']));
  });

  test('a long label is cut, with the whole of it under the pointer', () => {
    const label = 'x'.repeat(200);
    const row = all(draw([1, 1], [1], { rows: [label] }), 'text').find((text) =>
      text.textContent!.includes('x…'),
    );
    expect(row!.getElementsByTagName('title')[0]!.textContent).toBe(label);
    expect(row!.lastChild!.nodeValue!.length).toBe(24);
  });
});
