import type { FloatTensor } from '../tensors.ts';

/**
 * Visits the rows of a gradient that are not all 0, by where they begin. Padding, whose gradient is 0, must not
 * contribute, since it may hold NaN.
 */
export function forEachInfluence({ data, shape }: FloatTensor, visit: (at: number) => void): void {
  const width = shape.at(-1)!;
  for (let at = 0; at < data.length; at += width) {
    let e = 0;
    while (e < width && data[at + e] === 0) e++;
    if (e < width) visit(at);
  }
}
