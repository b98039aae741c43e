import { philox4x32 } from '@heed/core/backend';
import { type Workload, attendedKeys } from './workload.ts';

/** Stream of random numbers for masks; inputs use the streams before it. */
const MASK_STREAM = 4;

/** The boolean mask `[Lq, Lk]` of a workload that has one: 1 may attend. About a pair in four may not. */
export function maskOf({ queryLength, keyLength, seed }: Workload): Uint8Array {
  const mask = new Uint8Array(queryLength * keyLength);
  for (let at = 0; at < mask.length; at += 4) {
    const words = philox4x32([at / 4, MASK_STREAM, 0, 0], [seed, 0]);
    for (let n = 0; n < 4 && at + n < mask.length; n++) mask[at + n] = words[n]! % 4 === 0 ? 0 : 1;
  }
  return mask;
}

/**
 * Mask `[Lq, Lk]` with 1 for each pair of a query and a key that counts: everything the workload excludes in one mask,
 * for libraries that know nothing else. Null if every pair counts.
 */
export function attendedPairs(of: Workload): Uint8Array | null {
  const { causal, window, mask, queryLength, keyLength } = of;
  if (mask) return within(of, maskOf(of));
  return causal || window ? within(of, new Uint8Array(queryLength * keyLength).fill(1)) : null;
}

/** Excludes from a mask what lies outside the attended keys of each row. */
function within(of: Workload, mask: Uint8Array): Uint8Array {
  for (let i = 0; i < of.queryLength; i++) {
    const { first, end } = attendedKeys(of, i);
    const row = i * of.keyLength;
    mask.fill(0, row, row + first);
    mask.fill(0, row + end, row + of.keyLength);
  }
  return mask;
}

/** {@link attendedPairs} as numbers to add to scores: 0, and a large negative one where nothing may be attended to. */
export function additivePairs(of: Workload): Float32Array | null {
  const pairs = attendedPairs(of);
  return pairs && Float32Array.from(pairs, (attended) => (attended === 1 ? 0 : -1e9));
}

/** A backward pass costs 2.5 times a forward pass: five products of matrices for two (FlashAttention-2, section 4.1). */
const FORWARD_AND_BACKWARD = 3.5;

/**
 * The floating-point operations that the workload cannot do without: 2 · (D + Dv) for each pair of a query and a key
 * that it may attend to (4 · pairs · D when D = Dv), 3.5 times that with gradients. Operations on
 * excluded pairs do not count.
 */
export function usefulFlops(of: Workload): number {
  const forward = 2 * pairsOf(of) * of.batch * of.heads * (of.headDim + of.valueDim);
  return of.gradient ? FORWARD_AND_BACKWARD * forward : forward;
}

function pairsOf(of: Workload): number {
  if (of.mask) return attendedPairs(of)!.reduce((sum, pair) => sum + pair, 0);
  let pairs = 0;
  for (let i = 0; i < of.queryLength; i++) {
    const { first, end } = attendedKeys(of, i);
    pairs += end - first;
  }
  return pairs;
}
