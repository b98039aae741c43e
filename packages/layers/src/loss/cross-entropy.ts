import { HeedError, type PlainTensorLike } from '@heed/core';
import { checkOptions, integer, zeros } from '@heed/core/backend';
import { share } from '../options.ts';
import { integers } from '../tensor-like.ts';
import { type FloatTensor, checkPlain } from '../tensors.ts';

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions {
  /** Rows with this target do not count. Default −100. */
  readonly ignoreIndex?: number | undefined;
  /** ε, the share of a target that is spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number | undefined;
}

/** Loss and gradient of logits `[…, N]`. */
export interface CrossEntropy {
  /** The mean of the rows that count; 0 where there are none. */
  readonly loss: number;
  /** Losses of the rows, in order; 0 for those that do not count. */
  readonly losses: Float64Array;
  /** The gradient of `loss`, `[…, N]`. */
  readonly dLogits: FloatTensor;
}

/**
 * Softmax cross-entropy, the mean of −Σₙ qₙ log softmax(logits)ₙ, where q is (1 − ε) at the target plus ε / N everywhere
 * (Szegedy et al., "Rethinking the Inception architecture", 2016, section 7), as `torch.nn.functional.cross_entropy`.
 *
 * @param logits `[…, N]`.
 * @param target int32 classes `[…]`, 0…N − 1 or `ignoreIndex`.
 * @throws HeedError `SHAPE`, `DTYPE` or `UNKNOWN_OPTION`; `ARGUMENT` for a target that is not a class, or a value of an option.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { crossEntropy } from '@heed/layers';
 *
 * const logits = tensor(new Float32Array([0, 0, 5, 1]), [2, 2]);
 * console.log(crossEntropy(logits, [0, -100]).loss.toFixed(4)); // 0.6931
 * ```
 */
export function crossEntropy(
  logits: FloatTensor,
  target: PlainTensorLike,
  options: CrossEntropyOptions = {},
): CrossEntropy {
  checkOptions('crossEntropy()', options, { ignoreIndex: integer(-(2 ** 31)), labelSmoothing: share });
  const { ignoreIndex = -100, labelSmoothing = 0 } = options;
  checkPlain('logits', logits);
  const targets = checkedTargets(logits, target, ignoreIndex);
  const width = logits.shape.at(-1)!;
  const counted = targets.reduce((sum, id) => sum + (id === ignoreIndex ? 0 : 1), 0);
  const dLogits = zeros(logits.dtype, logits.shape);
  const losses = new Float64Array(targets.length);
  const exponentials = new Float64Array(width);
  const even = labelSmoothing / width;
  targets.forEach((id, row) => {
    if (id === ignoreIndex) return;
    const scores = logits.data.subarray(row * width, (row + 1) * width);
    const into = dLogits.data.subarray(row * width, (row + 1) * width);
    let maximum = -Infinity;
    let total = 0;
    for (let n = 0; n < width; n++) if (!(scores[n] <= maximum)) maximum = scores[n];
    let spread = 0;
    for (let n = 0; n < width; n++) {
      exponentials[n] = Math.exp(scores[n] - maximum);
      total += exponentials[n];
      spread += scores[n] - maximum;
    }
    for (let n = 0; n < width; n++) {
      const quota = (n === id ? 1 - labelSmoothing : 0) + even;
      into[n] = (exponentials[n] / total - quota) / counted;
    }
    const expected = (1 - labelSmoothing) * (scores[id] - maximum) + (even === 0 ? 0 : even * spread);
    losses[row] = Math.log(total) - expected;
  });
  const loss = counted === 0 ? 0 : losses.reduce((sum, value) => sum + value, 0) / counted;
  return { loss, losses, dLogits };
}

function checkedTargets(logits: FloatTensor, given: PlainTensorLike, ignoreIndex: number): Int32Array {
  const { data, shape } = integers('target', given);
  const expected = logits.shape.slice(0, -1);
  if (logits.shape.length === 0 || shape.join() !== expected.join()) {
    throw new HeedError(
      'SHAPE',
      `target is [${shape.join(', ')}], logits is [${logits.shape.join(', ')}]; expected […] and […, N]`,
      { remedy: 'give one class for each row of logits' },
    );
  }
  const classes = logits.shape.at(-1)!;
  const wrong = data.find((id) => id !== ignoreIndex && !(id >= 0 && id < classes));
  if (wrong === undefined) return data;
  throw new HeedError('ARGUMENT', `the target ${wrong} is not a class; expected 0…${classes - 1}`, {
    remedy: `write ${ignoreIndex} (ignoreIndex) for rows that do not count`,
  });
}
