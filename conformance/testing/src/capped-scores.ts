import { type AttentionBackend, attention, tensor } from '@heed/core';

/** Caps whose reciprocals are between two numbers of float32. */
export const CAPS: readonly number[] = [0.7, 3.3, 6.1, 12.7, 23.3, 49.9].map(Math.fround);

/** Relative errors of capped scores, in halves of float32's unit in the last place (2^−24). */
export interface CapErrors {
  /** Largest, without its sign. */
  readonly largest: number;
  /** Mean with signs: zero where scores are rounded up as often as down. */
  readonly mean: number;
}

/** Measures how a backend rounds 4,096 scores that a cap bends: each is the logSumExp of a row with one key. */
export async function capErrors(backend: AttentionBackend, cap: number): Promise<CapErrors> {
  const scores = Float32Array.from({ length: 4096 }, (_, n) => cap * ((n - 2047.5) / 1024));
  const one = tensor(new Float32Array([1]), [1, 1, 1, 1]);
  const { logSumExp } = await attention(backend, {
    ...{ query: tensor(scores, [1, 1, scores.length, 1]), key: one, value: one },
    ...{ scale: 1, softcap: cap, output: false, logSumExp: true },
  });
  const errors = Array.from(scores, (score, n) => {
    const exact = cap * Math.tanh(score / cap);
    return ((logSumExp.data[n]! - exact) / exact) * 2 ** 24;
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  return { largest: Math.max(...errors.map(Math.abs)), mean };
}
