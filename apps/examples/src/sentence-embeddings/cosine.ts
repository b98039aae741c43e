import type { FloatTensor } from '@heed/layers';

/** The cosine between two rows of `[N, E]` whose length is 1. */
export function cosine({ data, shape }: FloatTensor, a: number, b: number): number {
  const width = shape[1];
  let sum = 0;
  for (let e = 0; e < width; e++) sum += data[a * width + e] * data[b * width + e];
  return sum;
}
