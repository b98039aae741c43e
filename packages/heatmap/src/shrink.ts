import { createPool, edgesOf, labelsOf } from './long/pool.ts';
import { checkCount } from './options.ts';
import type { HeatmapView } from './view.ts';

/**
 * Returns the view with at most `maximum` cells along either axis, each the largest of those it stands for; a label
 * names the first and the last of them. A view that is small enough stays as it is.
 *
 * @param maximum 1 or more.
 * @throws HeedError `ARGUMENT`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { heatmap, shrink } from '@heed/heatmap';
 *
 * const view = shrink(heatmap(tensor(new Float32Array([0, 1, 2, 3, 4, 5, 6, 7]), [2, 4])), 2);
 * console.log(view.values.join(), view.columns.join()); // 1,3,5,7 0–1,2–3
 * ```
 */
export function shrink(view: HeatmapView, maximum: number): HeatmapView {
  checkCount('maximum', maximum);
  const { rows, columns, values, highlight, signal } = view;
  if (rows.length <= maximum && columns.length <= maximum) return view;
  const [rowEdges, columnEdges] = [edgesOf([0, rows.length], maximum), edgesOf([0, columns.length], maximum)];
  const pool = createPool(rowEdges, columnEdges, -Infinity);
  pool.add(values, rows.length, columns.length, () => 1);
  const cellOf = (edges: readonly number[], index: number): number =>
    edges.findLastIndex((edge) => edge <= index);
  return {
    ...view,
    rows: labelsOf(rowEdges, rows),
    columns: labelsOf(columnEdges, columns),
    values: Float64Array.from(pool.finish().max.data),
    highlight: highlight && {
      row: cellOf(rowEdges, highlight.row),
      column: highlight.column === null ? null : cellOf(columnEdges, highlight.column),
    },
    signal:
      signal &&
      Float64Array.from({ length: columnEdges.length - 1 }, (_, c) =>
        Math.max(...signal.subarray(columnEdges[c], columnEdges[c + 1])),
      ),
  };
}
