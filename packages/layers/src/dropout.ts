import { checkOptions, integer, required } from '@heed/core/backend';
import { dropHere } from '@heed/core/operations';
import { seedKind, share } from './options.ts';
import { type FloatTensor, checkPlain } from './tensors.ts';

/** Options of {@link dropout}. */
export interface DropoutOptions {
  /** p, the share of the elements that become 0; 0 ≤ p < 1. */
  readonly probability: number;
  /** An integer, 0 ≤ seed < 2⁵³: the same one drops the same elements. Use another for each step. */
  readonly seed: number;
  /** Tells several places of one model apart: an integer, 0 ≤ stream < 2³². Default 0. */
  readonly stream?: number | undefined;
}

/**
 * Sets elements to 0 at random and multiplies the others by 1 / (1 − p) (Srivastava et al., "Dropout", JMLR 2014). The gradient
 * is the same function of the gradient, with the same options.
 *
 * Bit by bit, as SPEC.md's clause `elementDropout` says: element n is kept if word n mod 4 of Philox4x32-10, with the counter (⌊n / 4⌋ mod 2³², ⌊n / 2³⁴⌋, stream, 0) and
 * the key (seed mod 2³², ⌊seed / 2³²⌋), is at least ⌊p · 2³²⌋. Whether an element is dropped depends only on its place.
 *
 * @param input of any shape.
 * @returns the same shape.
 * @throws HeedError `ARGUMENT`, `UNKNOWN_OPTION` or `SHAPE`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { dropout } from '@heed/layers';
 *
 * const ones = tensor(new Float32Array(8).fill(1), [8]);
 * console.log(dropout(ones, { probability: 0.5, seed: 1 }).data.every((x) => x === 0 || x === 2)); // true
 * ```
 */
export function dropout(input: FloatTensor, options: DropoutOptions): FloatTensor {
  checkDropout(options);
  checkPlain('input', input);
  const { probability, seed, stream } = options;
  return probability === 0 ? input : (dropHere({ probability }, { input, seed, stream }) as FloatTensor);
}

/** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
export function checkDropout(options: DropoutOptions): void {
  checkOptions('dropout()', options, {
    probability: required(share),
    seed: required(seedKind),
    stream: integer(0, 2 ** 32 - 1),
  });
}
