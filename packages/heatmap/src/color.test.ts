import { tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import {
  allHeads,
  colorAt,
  heatmap,
  overAudio,
  overImage,
  positionIn,
  toHTML,
  toHex,
  toSVG,
  toTerminal,
} from './index.ts';

const differences = tensor(new Float32Array([-0.125, 0, 0.5, 0.25]), [2, 2]);

/** Colors of the cells of a picture of one scheme. */
const cellsOf = (svg: string): string[] =>
  [...svg.matchAll(/<rect fill="(#\w+)"[^>]*><title>/g)].map(([, color]) => color!);

describe('the color map that diverges', () => {
  test.each(['light', 'dark'] as const)(
    'is the ground at 0 and equally strong on both sides: %s',
    (scheme) => {
      const ground = { light: '#ffffff', dark: '#15131c' }[scheme];
      expect(toHex(colorAt('RdBu', 0.5, scheme))).toBe(ground);
      const [low, high] = [colorAt('RdBu', 0, scheme), colorAt('RdBu', 1, scheme)];
      expect(low[0]).toBeGreaterThan(low[2]);
      expect(high[2]).toBeGreaterThan(high[0]);
      for (const t of [0.1, 0.3, 0.45]) {
        const share = 1 - 2 * t;
        const middle = colorAt('RdBu', 0.5, scheme);
        for (const [end, color] of [
          [low, colorAt('RdBu', t, scheme)],
          [high, colorAt('RdBu', 1 - t, scheme)],
        ] as const) {
          color.forEach((channel, n) => {
            expect(Math.abs(channel - (middle[n]! + share * (end[n]! - middle[n]!)))).toBeLessThanOrEqual(
              0.5,
            );
          });
        }
      }
    },
  );

  test('has 0 in the middle of its scale, whatever the domain', () => {
    const view = heatmap(differences);
    expect(view.domain).toEqual([-0.125, 0.5]);
    const svg = toSVG(view, { colorMap: 'RdBu', theme: 'light' });
    const position = positionIn([-0.5, 0.5], -0.125)!;
    const [below, zero, highest] = cellsOf(svg);
    expect(zero).toBe('#ffffff');
    expect(highest).toBe(toHex(colorAt('RdBu', 1, 'light')));
    expect(below).toBe(toHex(colorAt('RdBu', Math.round(position * 64) / 64, 'light')));
    expect(svg).toContain('>-0.500</text>');
    expect(toHTML(view, { colorMap: 'RdBu' })).toContain('>-0.500</text>');
    expect(view.domain).toEqual([-0.125, 0.5]);
  });

  test('also of heads side by side, and in the terminal', () => {
    const panels = allHeads({ ...differences, shape: [1, 2, 1, 2] });
    expect(toSVG(panels, { colorMap: 'RdBu' })).toContain('>-0.500</text>');
    expect(toTerminal(panels, { colorMap: 'RdBu' })).toMatch(/-0\.500 .* 0\.500$/);
    expect(toTerminal(heatmap(differences), { colorMap: 'RdBu' })).toMatch(/-0\.500 .* 0\.500$/);
  });

  test.each([
    ['toSVG', toSVG],
    ['toHTML', toHTML],
    ['toTerminal', toTerminal],
  ])('of %s refuses what is not a picture', (_, draw) => {
    expect(() => draw(null as never, { colorMap: 'RdBu' })).toThrow(
      expect.objectContaining({ name: 'HeedError', code: 'ARGUMENT' }) as Error,
    );
  });

  test('lets a picture show where the difference is 0, not where it is lowest', () => {
    const view = overImage(tensor(new Float32Array([-0.5, 0, 0.25, 0.5]), [1, 4]), {
      query: 0,
      grid: [2, 2],
      image: 'data:image/png;base64,AA==',
    });
    const opacities = [...toSVG(view, { colorMap: 'RdBu' }).matchAll(/fill-opacity="([\d.]+)"/g)];
    expect(opacities.map(([, opacity]) => Number(opacity))).toEqual([0.8, 0.2, 0.5, 0.8]);
  });
});

test.each([
  ['colorMap', 'RdBu', 'toSVG'],
  ['theme', 'dark', 'toSVG'],
  ['caption', 'below', 'toSVG'],
  ['color', 'none', 'toTerminal'],
  ['scale', 2, 'toPNG'],
  ['fonts', [], 'toPNG'],
])('%s for a function that does not draw is told where it belongs', (name, value, draws) => {
  const wrong = { [name]: value } as object;
  const calls = {
    heatmap: () => heatmap(differences, wrong),
    allHeads: () => allHeads({ ...differences, shape: [1, 1, 2, 2] }, wrong),
    overImage: () => overImage(differences, { query: 0, grid: [1, 2], ...wrong }),
    overAudio: () => overAudio(differences, { secondsPerFrame: 1, ...wrong }),
  };
  for (const [owner, call] of Object.entries(calls)) {
    expect(call).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_OPTION',
        message: `${owner}(): unknown option \`${name}\`; give ${name} to what draws: ${draws}(view, { ${name} })`,
      }) as Error,
    );
  }
});
