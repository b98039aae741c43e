import { tensor } from '@heed/core';
import { type Domain, type HeatmapView, heatmap } from '@heed/heatmap';
import type { Sight } from '../engine/question.ts';
import { largestOf } from '../parts/grid.tsx';

/** The picture to save: the weights of a head, with the row of a token pointed out. */
export function pictureOf(
  { tokens, weights }: Pick<Sight, 'tokens' | 'weights'>,
  row: number,
  head: number,
  title: string,
  domain?: Domain,
): HeatmapView {
  const length = tokens.length;
  const matrix = weights.slice(head * length * length, (head + 1) * length * length);
  return heatmap(tensor(matrix, [length, length]), {
    rows: tokens,
    columns: tokens,
    title,
    highlight: { row, column: largestOf(matrix.subarray(row * length, (row + 1) * length)) },
    ...(domain && { domain }),
  });
}
