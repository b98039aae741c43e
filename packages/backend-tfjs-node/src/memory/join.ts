import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Tensors, Tf } from '../platform/engine.ts';
import type { TileGrid } from '../plan/tiles.ts';

/** Axes on which the parts of a result are concatenated along batches, heads and rows; null: they are added. */
export type Joins = readonly [batches: number | null, kvHeads: number | null, rows: number | null];

/** Joins a result of all tiles, given in the order of the tiles. That of a single tile is returned as it is. */
export function joined(
  tf: Tf,
  parts: readonly TfTensor[],
  grid: Pick<TileGrid, 'kvHeads' | 'rows'>,
  [batches, kvHeads, rows]: Joins,
): TfTensor {
  const columns = inRuns(tf, parts, grid.rows.length, rows);
  const elements = inRuns(tf, columns, grid.kvHeads.length, kvHeads);
  const [whole] = inRuns(tf, elements, elements.length, batches);
  return whole!;
}

function inRuns(tf: Tf, parts: readonly TfTensor[], size: number, axis: number | null): readonly TfTensor[] {
  if (size === 1) return parts;
  return Array.from({ length: parts.length / size }, (_, n) => {
    const run = parts.slice(n * size, (n + 1) * size);
    return axis === null ? tf.addN(run) : tf.concat(run, axis);
  });
}

/** For each name that the parts have, something made of the tensors that they have under it. */
export function mapNames(
  parts: readonly Tensors[],
  make: (name: string, tensors: readonly TfTensor[]) => TfTensor,
): Tensors {
  const names = Object.keys(parts[0]!);
  return Object.fromEntries(
    names.map((name) => [
      name,
      make(
        name,
        parts.map((part) => part[name]!),
      ),
    ]),
  );
}
