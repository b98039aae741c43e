/** The cubic convolution kernel (Keys, 1981) with a = −0.75, as in PyTorch's and OpenCV's bicubic interpolation. */
function cubic(distance: number): number {
  const a = -0.75;
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

const linear = (distance: number): number => Math.max(0, 1 - Math.abs(distance));

/** Grid of rows and columns, `channels` numbers at each place. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

/**
 * A grid of another size: each place from its neighbors, which are repeated beyond the edge; no smoothing where it becomes smaller.
 */
export function resized(grid: Grid, rows: number, columns: number, kind: 'cubic' | 'linear'): Float64Array {
  const { channels } = grid;
  const down = taps(grid.rows, rows, kind);
  const across = taps(grid.columns, columns, kind);
  const result = new Float64Array(rows * columns * channels);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const to = (row * columns + column) * channels;
      for (const [y, ofRow] of down[row]!) {
        for (const [x, ofColumn] of across[column]!) {
          const weight = ofRow * ofColumn;
          const from = (y * grid.columns + x) * channels;
          for (let c = 0; c < channels; c++) result[to + c] += weight * grid.data[from + c]!;
        }
      }
    }
  }
  return result;
}

type Tap = readonly [at: number, weight: number];

/** Neighbors of each new place, with centers of pixels aligned. */
function taps(from: number, to: number, kind: 'cubic' | 'linear'): readonly (readonly Tap[])[] {
  const [reach, kernel] = kind === 'cubic' ? [2, cubic] : [1, linear];
  return Array.from({ length: to }, (_, n) => {
    const center = ((n + 0.5) * from) / to - 0.5;
    const first = Math.floor(center) - reach + 1;
    return Array.from({ length: 2 * reach }, (__, tap): Tap => {
      const at = first + tap;
      return [Math.min(from - 1, Math.max(0, at)), kernel(center - at)];
    });
  });
}
