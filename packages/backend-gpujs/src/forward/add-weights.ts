import type { AttentionProblem } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { Workspace } from '../memory/workspace.ts';
import { type Tile, placeOf } from '../plan/tiles.ts';
import type { Engine } from '../platform/engine.ts';

/**
 * Adds the weights of a tile to the weights `[B, Hq, Lq, Lk]`. The result replaces the previous one, or null. Takes
 * ownership of the tile's weights, which are all weights if the engine cannot write arrays in place.
 */
export async function addWeights(
  engine: Engine,
  before: unknown,
  { batch, heads, queryLength, keyLength }: AttentionProblem,
  tile: Tile,
  weights: unknown,
  workspace: Workspace,
): Promise<unknown> {
  if (engine.copyRows === undefined) return weights;
  workspace.keep(weights);
  const size = sizeOf([batch, heads, queryLength, keyLength]);
  const whole = before ?? (await engine.upload(new Float32Array(Math.max(1, size))));
  const { firstKey, tileKeys } = tile;
  const rows = { stride: tileKeys, length: Math.max(0, Math.min(tileKeys, keyLength - firstKey)) };
  engine.copyRows(whole, weights, rows, (row) => {
    const { slice, i } = placeOf(tile, row);
    return (slice * queryLength + i) * keyLength + firstKey;
  });
  return whole;
}
