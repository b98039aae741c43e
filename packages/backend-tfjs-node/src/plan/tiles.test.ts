import { type AttentionRequest, resolveRequest, tensor } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';
import { describe, expect, test } from 'vitest';
import { type Tile, isDense, partsOf, tileGrid, tilesOf } from './tiles.ts';

function tilesFor(length: number, options: Partial<AttentionRequest>, heads = 1, batch = 1): Tile[] {
  const x = tensor(new Float32Array(batch * heads * length), [batch, heads, length, 1]);
  const { problem, inputs } = resolveRequest({ query: x, key: x, value: x, ...options });
  return [...tilesOf(problem, tileGrid(problem), visibleKeys(problem, inputs))];
}

const scoresIn = ({ batches, kvHeads, rows, keys }: Tile): number =>
  [batches, kvHeads, rows, keys].reduce((product, { start, end }) => product * (end - start), 1);

const scoresOf = (tiles: readonly Tile[]): number => tiles.reduce((sum, tile) => sum + scoresIn(tile), 0);

describe('tiles', () => {
  test('a small problem is one', () => {
    const tiles = tilesFor(512, {}, 12);
    expect(tiles).toMatchObject([{ hasEmptyRows: false }]);
    expect(isDense(tiles[0]!)).toBe(true);
  });

  test.for([
    ['long', 16_384, 1, 1],
    ['many heads', 2048, 96, 1],
    ['many batch elements', 128, 12, 100],
  ] as const)('%s: none has more than 8 Mi scores, together they have all', ([, length, heads, batch]) => {
    const tiles = tilesFor(length, {}, heads, batch);
    expect(Math.max(...tiles.map(scoresIn))).toBeLessThanOrEqual(2 ** 23);
    expect(scoresOf(tiles)).toBe(batch * heads * length ** 2);
  });

  test('causal leaves out nearly half', () => {
    expect(scoresOf(tilesFor(2048, { causal: true }, 12)) / (12 * 2048 ** 2)).toBeLessThan(0.57);
  });

  test('causal needs no mask on the keys that all rows of a tile may attend to', () => {
    const parts = tilesFor(2048, { causal: true }).flatMap(partsOf);
    expect(parts.filter((part) => !isDense(part)).map(({ keys }) => keys.end - keys.start)).toEqual(
      Array(8).fill(256),
    );
    expect(scoresOf(parts)).toBe(scoresOf(tilesFor(2048, { causal: true })));
  });

  test('a window leaves out all but its surroundings', () => {
    const window = { left: 128, right: 127 };
    expect(scoresOf(tilesFor(16_384, { window })) / 16_384 ** 2).toBeLessThan(0.03);
  });

  test('keys past the lengths and rows past them are left out, batch element by batch element', () => {
    const lengths = [1000, 10, 0, 500];
    const tiles = tilesFor(1000, { keyLengths: lengths, queryLengths: lengths }, 2, 4);
    const worth = lengths.reduce((sum, length) => sum + 2 * 1000 * length, 0);
    expect(scoresOf(tiles)).toBeLessThanOrEqual(worth);
    expect(tiles.filter((tile) => tile.batches.start === 0 && !isDense(tile))).toEqual([]);
  });

  test('the first key never goes back from a tile to the next, which sums over keys rely on', () => {
    const offset = [40, -90, 0];
    const options = {
      causal: true,
      window: { left: 5 },
      alignment: { offset },
      queryLengths: [10, 300, 200],
    };
    const x = tensor(new Float32Array(900), [3, 1, 300, 1]);
    const { problem, inputs } = resolveRequest({ query: x, key: x, value: x, ...options });
    const grid = tileGrid(problem, {
      scores: 500,
      sampledScores: 500,
      minimumRows: 7,
      causalRows: 7,
      windowRows: 7,
      apart: Infinity,
    });
    const tiles = [...tilesOf(problem, grid, visibleKeys(problem, inputs))];
    expect(grid.batches).toHaveLength(1);
    const starts = tiles.filter((tile) => scoresIn(tile) > 0).map(({ keys }) => keys.start);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
  });
});
