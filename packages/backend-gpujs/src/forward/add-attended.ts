import type { AttentionProblem } from '@heed/core';
import { rowStrides } from '@heed/core/backend';
import type { Engine } from '../platform/engine.ts';
import { attended } from './programs/attended.ts';
import type { ValuesOf } from '../platform/program.ts';
import { sizeOf } from '@heed/core/backend';
import { replaced, rowShape } from '../memory/replaced.ts';
import { type Tile, placeOf } from '../plan/tiles.ts';

type Values = ValuesOf<typeof attended, unknown>;
type Given = Omit<Values, 'previous' | 'hasPrevious' | 'rowShift' | 'sliceShift'> & {
  readonly sinks: unknown;
};

/**
 * Adds a tile's rows, `columns` long, to the output or the gradient of queries. The result replaces the previous one,
 * or null.
 */
export async function addAttended(
  engine: Engine,
  before: unknown,
  problem: AttentionProblem,
  tile: Tile,
  given: Given,
): Promise<unknown> {
  const { batch, heads, queryLength, layout } = problem;
  const { columns } = given;
  const shape = rowShape(layout, [batch, heads, queryLength, columns]);
  if (engine.copyRows === undefined) {
    return replaced(engine, before, (previous) =>
      engine.launch(attended, shape, { ...given, ...previous, rowShift: 0, sliceShift: 0 }),
    );
  }
  const { firstSlice, tileSlices, firstRow, tileRows } = tile;
  const rows = await engine.launch(attended, [columns, tileRows, tileSlices], {
    ...given,
    // Not read.
    previous: given.sinks,
    hasPrevious: 0,
    headsInRow: 1,
    rowShift: firstRow,
    sliceShift: firstSlice,
  });
  const whole = before ?? (await engine.upload(new Float32Array(sizeOf(shape))));
  const strides = rowStrides(layout, heads, queryLength, columns);
  engine.copyRows(whole, rows, { stride: columns, length: columns }, (row) => {
    const { slice, i } = placeOf(tile, row);
    const b = Math.floor(slice / heads);
    return b * strides.batch + (slice - b * heads) * strides.head + i * strides.row;
  });
  engine.free(rows);
  return whole;
}
