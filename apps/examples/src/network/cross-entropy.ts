import type { FloatTensor } from '@heed/layers';
import { zeros } from './tensors.ts';

/**
 * The mean of −log softmax(logits)[target] over the rows that have a target (those of −1 have none), its gradient, and
 * what each row would answer.
 *
 * @param logits `[…, N]`.
 */
export function crossEntropy(
  logits: FloatTensor,
  targets: ArrayLike<number>,
): { readonly losses: Float64Array; readonly dLogits: FloatTensor; readonly answers: Int32Array } {
  const width = logits.shape.at(-1)!;
  const counted = Array.from(targets).filter((target) => target >= 0).length;
  const dLogits = zeros(logits.shape);
  const losses = new Float64Array(targets.length);
  const answers = new Int32Array(targets.length);
  for (let row = 0; row < targets.length; row++) {
    const scores = logits.data.subarray(row * width, (row + 1) * width);
    let best = 0;
    for (let n = 1; n < width; n++) if (scores[n] > scores[best]) best = n;
    answers[row] = best;
    if (targets[row] < 0) continue;
    let sum = 0;
    for (let n = 0; n < width; n++) sum += Math.exp(scores[n] - scores[best]);
    for (let n = 0; n < width; n++) {
      const probability = Math.exp(scores[n] - scores[best]) / sum;
      dLogits.data[row * width + n] = (probability - (n === targets[row] ? 1 : 0)) / counted;
    }
    losses[row] = Math.log(sum) - (scores[targets[row]] - scores[best]);
  }
  return { losses, dLogits, answers };
}
