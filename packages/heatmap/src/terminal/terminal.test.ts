import { stripVTControlCharacters } from 'node:util';
import { tensor } from '@heed/core';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { type HeatmapOptions, type TerminalOptions, heatmap, toTerminal } from '../index.ts';

const draw = (
  shape: [number, number],
  values: readonly number[],
  {
    color,
    columnsWide,
    ...options
  }: HeatmapOptions & { color?: TerminalOptions['color']; columnsWide?: number } = {},
): string =>
  toTerminal(heatmap(tensor(Float64Array.from(values), shape), options), {
    ...(color && { color }),
    ...(columnsWide && { columns: columnsWide }),
  });

const widths = (text: string): number[] =>
  text.split('\n').map((line) => stringWidth(stripVTControlCharacters(line).trimEnd()));
const ESC = '\u001B';
const identity = (n: number): number[] =>
  Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));

describe('without colors', () => {
  test('is characters only, with numbers, shades and a scale', () => {
    const text = draw([2, 2], [0.25, 0.75, 1, 0], { rows: ['a', 'bank'], columns: ['c', 'd'], title: 'T' });
    expect(text.split('\n')).toEqual([
      'T',
      '',
      '         c     d',
      '     a  .250░ .750▓',
      '  bank  1.00█  ·',
      '',
      '       0  ░▒▓█ 1.00',
    ]);
  });

  test('brackets mark the highlighted cell, an arrow its row', () => {
    const text = draw([2, 2], [0, 1, 0.5, 0.25], { highlight: { row: 1, column: 0 } });
    expect(text).toContain('▸ 1 [.500] .250░');
    expect(text.match(/▸/g)).toHaveLength(1);
  });

  test('what is not a number says so', () => {
    const text = draw([1, 4], [NaN, Infinity, -Infinity, 1]);
    expect(text).toContain(' NaN    ∞     −∞   1.00█');
  });
});

describe('with colors', () => {
  test('the ground is the color of the value, the ends those of magma', () => {
    const text = draw([1, 2], [0, 1], { color: 'truecolor' });
    expect(text).toContain(`${ESC}[48;2;0;0;4;38;2;255;255;255m  ·   ${ESC}[0m`);
    expect(text).toContain(`${ESC}[48;2;252;253;191;38;2;0;0;0m 1.00 ${ESC}[0m`);
  });

  test('the scale goes from one end of the colors to the other', () => {
    const scale = draw([1, 2], [0, 1], { color: 'truecolor' }).split('\n').at(-1)!;
    const grounds = [...scale.matchAll(/48;2;([\d;]+);38/g)].map(([, ground]) => ground);
    expect(grounds).toHaveLength(20);
    expect([grounds[0], grounds.at(-1)]).toEqual(['0;0;4', '252;253;191']);
    expect(new Set(grounds).size).toBe(20);
  });

  test('256 colors are palette entries', () => {
    const text = draw([1, 2], [0, 1], { color: '256' });
    expect(text).toContain(`${ESC}[48;5;16;38;5;231m  ·   ${ESC}[0m`);
    expect(text).toContain(`${ESC}[48;5;229;38;5;16m 1.00 ${ESC}[0m`);
    expect(text).not.toContain('8;2;');
  });

  test('the text beneath the colors is as wide as the text without', () => {
    const options = { rows: ['日本語', 'a', '👩‍👩‍👧‍👦'], highlight: { row: 1, column: 1 } };
    const plain = widths(draw([3, 3], identity(3), options));
    const colored = widths(draw([3, 3], identity(3), { ...options, color: 'truecolor' }));
    // Shades replace spaces that end a line.
    plain.slice(0, 6).forEach((width, line) => expect(Math.abs(colored[line]! - width)).toBeLessThan(2));
  });
});

describe('fits the width', () => {
  test.each([20, 24, 40, 60, 80, 120, 200])('of %i columns, whatever the size', (columnsWide) => {
    for (const n of [1, 2, 5, 10, 20, 50, 130]) {
      const labels = Array.from({ length: n }, (_, index) => `token ${index}`);
      const text = draw([n, n], identity(n), { rows: labels, columns: labels, columnsWide });
      const widest = Math.max(...text.split('\n').map((line) => stringWidth(line)));
      expect(widest, `${n} columns`).toBeLessThanOrEqual(columnsWide);
    }
  });

  test('bands together show every column once', () => {
    const text = draw([1, 50], Array(50).fill(1), { columnsWide: 40 });
    expect(text.match(/█/g)).toHaveLength(2 * 50 + 1);
  });
});

describe('labels do nothing but show', () => {
  test('control characters are pictures, escape sequences do not reach the terminal', () => {
    const rows = [`${ESC}[2J${ESC}]0;title\u0007`, 'a\r\nb\tc', '\u009B31m', '\u202Egnp\u2066'];
    const text = draw([4, 1], [1, 1, 1, 1], { rows, title: `${ESC}[31mT` });
    expect(text.split('\n').join('')).not.toMatch(/[\p{Cc}\u202A-\u202E\u2066\u2067]/u);
    expect(text).toContain('␛[2J␛]0;title␇');
    expect(text).toContain('a␍␊b␉c');
    expect(text.split('\n')).toHaveLength(3 + 4 + 2);
  });

  test('right-to-left labels are isolated from the cells', () => {
    expect(draw([1, 1], [1], { rows: ['שלום'] })).toContain('\u2068שלום\u2069');
  });

  test('cells stand under one another, however wide the labels', () => {
    const rows = ['a', '日本語', '😀', 'é', 'x'.repeat(200), 'שלום'];
    const lines = draw([6, 1], Array(6).fill(0.5), { rows }).split('\n').slice(3, 9);
    const starts = lines.map((line) => stringWidth(line.slice(0, line.indexOf('.500'))));
    expect(new Set(starts).size).toBe(1);
  });

  test('an empty matrix says so', () => {
    expect(draw([0, 3], [])).toContain('no cells: 0 × 3');
    expect(draw([3, 0], [])).toContain('no cells: 3 × 0');
  });
});
