import { type Tensor, tensor } from '@heed/core';

/** Tables to look things up in: which of N noisy names is the requested one, and what is written beside it? */

export const NAME_WIDTH = 16;
export const CLASSES = 8;

export interface Lookups {
  /** `[B, 1, 16]`: a name. */
  readonly query: Tensor<'float32'>;
  /** `[B, N, 16]`: names, one of them the query's, heard through noise. */
  readonly key: Tensor<'float32'>;
  /** `[B, N, 8]`: what is written beside each, one-hot. */
  readonly value: Tensor<'float32'>;
  /** B answers. */
  readonly classes: readonly number[];
}

export function randomLookups(random: () => number, batch: number, rows: number): Lookups {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const key = Float32Array.from({ length: batch * rows * NAME_WIDTH }, normal);
  const query = new Float32Array(batch * NAME_WIDTH);
  const value = new Float32Array(batch * rows * CLASSES);
  const classes = Array.from({ length: batch }, (_, b) => {
    const asked = Math.floor(random() * rows);
    let answer = 0;
    for (let row = 0; row < rows; row++) {
      const written = Math.floor(random() * CLASSES);
      value[(b * rows + row) * CLASSES + written] = 1;
      if (row === asked) answer = written;
    }
    for (let e = 0; e < NAME_WIDTH; e++) {
      query[b * NAME_WIDTH + e] = key[(b * rows + asked) * NAME_WIDTH + e] + 0.3 * normal();
    }
    return answer;
  });
  return {
    query: tensor(query, [batch, 1, NAME_WIDTH]),
    key: tensor(key, [batch, rows, NAME_WIDTH]),
    value: tensor(value, [batch, rows, CLASSES]),
    classes,
  };
}
