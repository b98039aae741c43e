import { tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { heatmap } from '../view.ts';
import { LABEL_SIZE, layoutOf } from './layout.ts';

/** Rows of square pictures whose cells have each height below that of a label, and some above. */
const SIDES = [15, 30, 45, 50, 54, 58, 64, 70, 78, 88, 100, 117, 140, 170, 250];

test('labels of rows have a pixel between them, whatever the height of the cells', () => {
  const heights = SIDES.map((side) => {
    const { cellHeight, rowLabelEvery } = layoutOf(
      heatmap(tensor(new Float32Array(side * side), [side, side])),
    );
    expect(rowLabelEvery * cellHeight, `${side} rows`).toBeGreaterThanOrEqual(LABEL_SIZE + 1);
    // Not fewer labels than that takes: a distance of 1, 2, 4, 5 or 8 rows is at most twice what is needed.
    if (rowLabelEvery > 1) {
      expect((rowLabelEvery * cellHeight) / 2, `${side} rows`).toBeLessThan(LABEL_SIZE + 1);
    }
    return cellHeight;
  });
  expect(new Set(heights)).toEqual(new Set([44, 23, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2]));
});
