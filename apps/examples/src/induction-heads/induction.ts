import type { Tensor } from '@heed/core';
import { seededRandom } from '@heed/layers';
import type { Capture, Decoder } from '@heed/models';

/** A head, and its attention to the token that followed the last time. */
export interface HeadScore {
  readonly layer: number;
  readonly head: number;
  /** Mean weight, 0…1. */
  readonly score: number;
}

/** Random ids twice in a row: a model can know what follows in the second half only by looking back. */
export function repeatedIds(vocabulary: number, half: number, seed: number): readonly number[] {
  const random = seededRandom(seed);
  const ids = Array.from({ length: half }, () => Math.floor(random() * vocabulary));
  return [...ids, ...ids];
}

/**
 * Scores of all heads, the highest first (Olsson et al., "In-context learning and induction heads", 2022): the weight from each
 * token of the second half to the one behind its first occurrence, on average.
 */
export async function inductionScores(
  model: Decoder,
  ids: readonly number[],
): Promise<{ readonly scores: readonly HeadScore[]; readonly weights: readonly Tensor<'float32'>[] }> {
  const { layers, heads } = model.config;
  const capture = Array.from({ length: layers }, (_, layer): Capture => ({ layer, what: 'weights' }));
  const { captured: weights } = await model.run([ids], { logits: 'none', capture });
  const [length, half] = [ids.length, ids.length / 2];
  const scores = weights.flatMap(({ data }, layer) =>
    Array.from({ length: heads }, (_, head) => {
      let sum = 0;
      for (let i = half; i < length; i++) sum += data[(head * length + i) * length + i - half + 1];
      return { layer, head, score: sum / half };
    }),
  );
  return { scores: scores.sort((a, b) => b.score - a.score), weights };
}

/** The mean log-probability of the second half's tokens behind its first, with some heads off. */
export async function secondHalf(
  model: Decoder,
  ids: readonly number[],
  off: readonly HeadScore[],
): Promise<number> {
  const change = off.map(({ layer, head }) => ({ layer, heads: [head], what: 'off' }) as const);
  const likelihoods = (await model.likelihoods(ids, { change })).slice(ids.length / 2);
  return likelihoods.reduce((sum, value) => sum + value, 0) / likelihoods.length;
}

/** Draws other heads than induction heads, from the lower half of the scores, in the same layers where possible. */
export function otherHeads(scores: readonly HeadScore[], chosen: readonly HeadScore[]): readonly HeadScore[] {
  const rest = scores.slice(scores.length / 2);
  const taken = new Set<HeadScore>();
  for (const { layer } of chosen) {
    const other =
      rest.find((head) => head.layer === layer && !taken.has(head)) ?? rest.find((head) => !taken.has(head));
    if (other !== undefined) taken.add(other);
  }
  return [...taken];
}
