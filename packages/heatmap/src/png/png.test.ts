import { HeedError, tensor } from '@heed/core';
import { decode } from 'fast-png';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Resvg, initWasm } from '@resvg/resvg-wasm';
import { describe, expect, test, vi } from 'vitest';
import { allHeads, heatmap, toSVG } from '../index.ts';
import { toPNG } from './png.ts';

const view = heatmap(tensor(new Float32Array([0, 1, 0.5, 0.25]), [2, 2]), {
  rows: ['bank', 'שלום'],
  columns: ['<river>', 'x'.repeat(200)],
});

/** Color of the picture at a place of the SVG, 0 to 255. */
function pixel(png: Uint8Array, scale: number, x: number, y: number): number[] {
  const { width, channels, data } = decode(png);
  const at = (Math.floor(y * scale) * width + Math.floor(x * scale)) * channels;
  return [...data.slice(at, at + 3)];
}

/** Centers of the cells, from the SVG. */
const centers = [
  ...toSVG(view).matchAll(/x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="4"/g),
].map(([, x, y, width]) => [Number(x) + 4, Number(y) + Number(width) - 4] as const);

describe('a PNG', () => {
  test('is as large as the SVG times the scale', async () => {
    const [width, height] = toSVG(view)
      .match(/viewBox="0 0 (\d+) (\d+)"/)!
      .slice(1)
      .map(Number);
    for (const scale of [1, 2.5]) {
      const png = decode(await toPNG(view, { scale }));
      expect(Math.abs(png.width - width! * scale)).toBeLessThanOrEqual(1);
      expect(Math.abs(png.height - height! * scale)).toBeLessThanOrEqual(1);
    }
  });

  test('has the colors of the cells in their places', async () => {
    const png = await toPNG(view, { scale: 1 });
    expect(centers).toHaveLength(4);
    const colors = centers.map(([x, y]) => pixel(png, 1, x, y));
    expect(colors[0]).toEqual([255, 255, 255]);
    expect(colors[1]).toEqual([0, 0, 4]);
    expect(new Set(colors.map(String)).size).toBe(4);
  });

  test('has letters: another label is another picture, the same one the same bits', async () => {
    const [first, again, other] = await Promise.all([
      toPNG(view),
      toPNG(view),
      toPNG({ ...view, rows: ['bunk', 'שלום'] }),
    ]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test('is dark in the dark', async () => {
    const [x, y] = centers[0]!;
    expect(pixel(await toPNG(view, { scale: 1, theme: 'dark' }), 1, x, y)).toEqual([0, 0, 4]);
  });

  test('takes panels, and matrices that are an image within', async () => {
    const panels = allHeads(tensor(new Float32Array([1, 0]), [1, 2, 1, 1]));
    expect(decode(await toPNG(panels)).width).toBeGreaterThan(300);
    const many = heatmap(tensor(new Float32Array(22_500).fill(1), [150, 150]), { domain: [0, 1] });
    const png = await toPNG(many, { scale: 1 });
    const { width, height } = decode(png);
    expect(pixel(png, 1, width / 2, height / 2)).toEqual([0, 0, 4]);
  });

  test.each([0, -1, NaN, 10_000])('scale %d is refused', async (scale) => {
    await expect(toPNG(view, { scale })).rejects.toSatisfy(
      (error) => HeedError.isInstance(error) && error.code === 'ARGUMENT',
    );
  });

  test.each([
    ['Chinese', '银行', '河岸'],
    ['Korean', '은행', '강변'],
    ['emoji', '🌊', '🏦'],
  ])('has letters for %s', async (_, ...labels) => {
    const pictures = await Promise.all(labels.map((label) => toPNG({ ...view, rows: [label, 'bank'] })));
    expect(pictures[0]).not.toEqual(pictures[1]);
  });
});

describe('a resvg of its own', () => {
  test('leaves that of an application alone, whichever starts first', async () => {
    const first = await toPNG(view);
    const { resolve } = createRequire(import.meta.url);
    await initWasm(await readFile(resolve('@resvg/resvg-wasm/index_bg.wasm')));
    const own = new Resvg('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>').render().asPng();
    expect(decode(own).width).toBe(1);
    vi.resetModules();
    const other = await import('./png.ts');
    expect(other.toPNG).not.toBe(toPNG);
    expect(await other.toPNG(view)).toEqual(first);
  });
});
