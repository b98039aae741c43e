import type { AttentionProblem } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { Workspace } from '../memory/workspace.ts';
import { type Tile, placeOf } from '../plan/tiles.ts';
import type { Engine } from '../platform/engine.ts';

/**
 * The weights `[B, Hq, Lq, Lk]` with those of a tile in them, in place of the ones without, or of null. Takes charge of
 * the tile's, which is all there are where no array can be written in place.
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
