import type { Tensor } from '@heed/core';

/** Softmax attention on `[B, L, H, D]`, written out as the docstrings of libraries describe it. */
export interface Described {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly scale?: number;
  /** Changes a score: cap, bias. */
  readonly score?: (score: number, b: number, h: number, i: number, j: number) => number;
  /** Returns whether query i may attend to key j. */
  readonly allowed?: (i: number, j: number, b: number) => boolean;
}

/** Output `[B, L, H, D]` and logarithm of the sum of exponentials `[B, H, L]`; a row that may attend to nothing is 0. */
export function attentionOf({ query, key, value, scale, score, allowed }: Described): {
  readonly output: Tensor;
  readonly logSumExp: Tensor;
} {
  const [batch, queries, heads, depth] = query.shape as [number, number, number, number];
  const [, keys, kvHeads] = key.shape as [number, number, number];
  const factor = scale ?? 1 / Math.sqrt(depth);
  const output = new Float32Array(query.data.length);
  const logs = new Float32Array(batch * heads * queries);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const kvHead = Math.floor(h / (heads / kvHeads));
      for (let i = 0; i < queries; i++) {
        const q = ((b * queries + i) * heads + h) * depth;
        const exponentials = Array.from({ length: keys }, (_, j) => {
          if (allowed !== undefined && !allowed(i, j, b)) return 0;
          let dot = 0;
          const k = ((b * keys + j) * kvHeads + kvHead) * depth;
          for (let d = 0; d < depth; d++) dot += query.data[q + d]! * key.data[k + d]!;
          return Math.exp(score === undefined ? factor * dot : score(factor * dot, b, h, i, j));
        });
        const sum = exponentials.reduce((one, other) => one + other, 0);
        logs[(b * heads + h) * queries + i] = Math.log(sum);
        exponentials.forEach((exponential, j) => {
          const v = ((b * keys + j) * kvHeads + kvHead) * depth;
          for (let d = 0; d < depth; d++)
            output[q + d] = output[q + d]! + (sum === 0 ? 0 : exponential / sum) * value.data[v + d]!;
        });
      }
    }
  }
  return {
    output: { dtype: 'float32', shape: query.shape, data: output },
    logSumExp: { dtype: 'float32', shape: [batch, heads, queries], data: logs },
  };
}
