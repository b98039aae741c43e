import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../platform/engine.ts';
import { areFinite, suspect } from './finite.ts';
import { type ScoreTerms, scoreTerms } from './score-terms.ts';
import { type Work, broadcastPart, grouped, keyRows, perHead, queryRows, ungrouped } from './tile-inputs.ts';

/** The scores of a tile, on their way into the softmax. */
export interface Scores {
  /** `[B, Hq, Lq, Lk]`; −∞ where excluded. */
  readonly scores: TfTensor;
  /** score / c of the softcap, before its tanh; null without one. */
  readonly uncapped: TfTensor | null;
  /**
   * Booleans that broadcast against the scores, true where attending is allowed, or null for everywhere. Given only if
   * something in the tile is not finite: then the numbers that a 0 multiplies matter.
   */
  readonly allowed: TfTensor | null;
  /** True if something in the tile is not finite. */
  readonly nonFinite: boolean;
  /** `[B, Hkv, G · Lq, D]`. */
  readonly query: TfTensor;
  /** `[B, Hkv, Lk, D]`. */
  readonly key: TfTensor;
  /** `[B, Hkv, Lk, Dv]`. */
  readonly value: TfTensor;
}

/**
 * SPEC.md, clause `order`: scale · Q Kᵀ → softcap → + bias, ALiBi, mask → exclusions. In a tile where every number is
 * finite an exclusion is −∞ added. Where one is not, −∞ + NaN would be NaN: there exclusions are selected, and attended
 * infinities made NaN, which no exp or tanh can hide. Rows without such numbers get the same bits either way.
 *
 * @param more other tensors of the tile that enter its results.
 */
export function scoresOf(work: Work, more: readonly TfTensor[] = []): Scores {
  const { tf, problem, inputs } = work;
  const query = grouped(work, queryRows(work, inputs.query));
  const key = keyRows(work, inputs.key);
  const value = keyRows(work, inputs.value);
  const nonFinite = !work.isFinite && !isFiniteTile(work, [query, key, value, ...more]);

  let scores = ungrouped(work, scaledProduct(tf, problem.scale, query, key));
  let uncapped: TfTensor | null = null;
  if (problem.softcap !== null) {
    uncapped = tf.div(nonFinite ? withoutInfinities(tf, scores) : scores, problem.softcap);
    scores = tf.mul(tf.tanh(uncapped), problem.softcap);
  }
  const terms = scoreTerms(work);
  const added = [...terms.excluding, ...terms.plain];
  const sums = added.length === 0 ? scores : tf.add(scores, sumOf(tf, added));
  if (!nonFinite) return { scores: sums, uncapped, allowed: null, nonFinite, query, key, value };
  const allowed = both(tf, allowedBy(tf, terms), within(tf, sums, [scores, ...terms.plain]));
  scores = selected(tf, allowed, withoutInfinities(tf, sums), -Infinity);
  return { scores, uncapped, allowed, nonFinite, query, key, value };
}

function sumOf(tf: Tf, terms: readonly TfTensor[]): TfTensor {
  return terms.reduce((sum, term) => tf.add(sum, term));
}

function both(tf: Tf, some: TfTensor | null, others: TfTensor | null): TfTensor | null {
  return some === null || others === null ? (some ?? others) : tf.logicalAnd(some, others);
}

/** A power of two, such as 1/√64, may as well multiply the query: that rounds nothing and is less work. */
export function scaledProduct(tf: Tf, scale: number, query: TfTensor, key: TfTensor): TfTensor {
  if (scale === 1) return tf.matMul(query, key, false, true);
  const isPowerOfTwo = Number.isInteger(Math.log2(Math.abs(scale)));
  return isPowerOfTwo
    ? tf.matMul(tf.mul(query, scale), key, false, true)
    : tf.mul(tf.matMul(query, key, false, true), scale);
}

/** Numbers where allowed, or everywhere without exclusions; `otherwise` elsewhere. */
export function selected(tf: Tf, allowed: TfTensor | null, numbers: TfTensor, otherwise: number): TfTensor {
  return allowed === null ? numbers : tf.where(allowed, numbers, otherwise);
}

/** ±∞ become NaN; every other number stays as it is. */
function withoutInfinities(tf: Tf, numbers: TfTensor): TfTensor {
  return tf.add(numbers, tf.mul(numbers, 0));
}

function allowedBy(tf: Tf, { excluding }: ScoreTerms): TfTensor | null {
  if (excluding.length === 0) return null;
  return excluding
    .map((term) => tf.notEqual(term, -Infinity) as TfTensor)
    .reduce((all, term) => tf.logicalAnd(all, term));
}

/** True where sums of finite terms are not −∞: SPEC.md, clause `overflow`. Null if nothing is added. */
function within(tf: Tf, sums: TfTensor, terms: readonly TfTensor[]): TfTensor | null {
  if (terms[0] === sums) return null;
  const finite = tf.isFinite(
    sumOf(
      tf,
      terms.map((term) => tf.mul(term, 0)),
    ),
  );
  return tf.logicalNot(tf.logicalAnd(tf.equal(sums, -Infinity), finite));
}

/** Returns whether every number that enters the tile is finite. */
function isFiniteTile(work: Work, tensors: readonly TfTensor[]): boolean {
  const { tf, problem, inputs } = work;
  const suspects = tensors.map(suspect);
  const signs: TfTensor[] = [];
  if (problem.mask?.kind === 'float') signs.push(broadcastPart(work, inputs.mask!, problem.mask.shape));
  if (problem.bias !== null) signs.push(broadcastPart(work, inputs.bias!, problem.bias.shape));
  if (problem.sinks) signs.push(perHead(work, inputs.sinks!));
  if (problem.alibi) suspects.push(suspect(perHead(work, inputs.alibiSlopes!)));
  return areFinite(tf, [...suspects, ...signs.map((tensor) => ({ tensor, mayExclude: true }))]);
}
