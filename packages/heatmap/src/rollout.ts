import { HeedError, type PlainTensorLike, type Tensor, tensor } from '@heed/core';
import { meanOverHeads } from './heads.ts';

/**
 * Computes the share of each input token in each token of the last layer, as if only attention mixed them: attention
 * rollout (Abnar and Zuidema, "Quantifying attention flow in transformers", ACL 2020, section 3). Heads are averaged,
 * half of each token stays where it is (the residual connection), rows are normalized, and the layers multiplied.
 *
 * @param layers weights `[B, Hq, L, L]` of each layer, from the first to the last.
 * @returns `[B, 1, L, L]`; rows sum to 1.
 * @throws HeedError `ARGUMENT` without layers; `SHAPE` when they are not square or differ in B or L.
 *
 * @example
 * ```ts
 * import { loadCapture } from '@heed/conformance';
 * import { heatmap, rollout, toTerminal } from '@heed/heatmap';
 *
 * const { tokens, layers } = await loadCapture('bank-money');
 * const flow = rollout(layers.map(({ weights }) => weights!));
 * const view = heatmap(flow, { rows: tokens, columns: tokens, title: 'What reaches the last layer' });
 * console.log(toTerminal(view).split('\n')[0]); // What reaches the last layer
 * ```
 */
export function rollout(layers: readonly PlainTensorLike[]): Tensor<'float64'> {
  const [first, ...later] = Array.isArray(layers) ? (layers as readonly PlainTensorLike[]) : [];
  if (first === undefined) {
    throw new HeedError('ARGUMENT', 'layers is empty; expected at least one', {
      remedy: 'give an array with the weights of at least one layer',
    });
  }
  const start = mixing(first);
  return later.reduce<Tensor<'float64'>>((flow, weights, index) => {
    const next = mixing(weights);
    if (next.shape.join() === flow.shape.join()) return product(next, flow);
    throw new HeedError(
      'SHAPE',
      `layer ${index + 1} has B=${next.shape[0]}, L=${next.shape[2]}; layer 0 has B=${flow.shape[0]}, L=${flow.shape[2]}`,
      { clause: 'shape', remedy: 'give the weights of one run, all layers of the same batch and length' },
    );
  }, start);
}

/** Mixing of the tokens by a layer's attention and its residual connection: (W + I) / 2, rows normalized. */
function mixing(weights: PlainTensorLike): Tensor<'float64'> {
  const mean = meanOverHeads(weights);
  const [, , rows, columns] = mean.shape as [number, number, number, number];
  if (rows !== columns) {
    throw new HeedError('SHAPE', `weights is Lq=${rows} by Lk=${columns}; expected Lq = Lk`, {
      clause: 'shape',
      remedy: 'leave layers of cross-attention out: rollout is over self-attention',
    });
  }
  const { data } = mean;
  for (let start = 0; start < data.length; start += columns) {
    data[start + ((start / columns) % rows)]! += 1;
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += data[start + j]!;
    for (let j = 0; j < columns; j++) data[start + j]! /= sum;
  }
  return mean;
}

function product(left: Tensor<'float64'>, right: Tensor<'float64'>): Tensor<'float64'> {
  const [batch, , length] = left.shape as [number, number, number, number];
  const result = new Float64Array(left.data.length);
  for (let b = 0; b < batch; b++) {
    const base = b * length * length;
    for (let i = 0; i < length; i++) {
      const row = base + i * length;
      for (let k = 0; k < length; k++) {
        const factor = left.data[row + k]!;
        const from = base + k * length;
        for (let j = 0; j < length; j++) result[row + j]! += factor * right.data[from + j]!;
      }
    }
  }
  return tensor(result, left.shape);
}
