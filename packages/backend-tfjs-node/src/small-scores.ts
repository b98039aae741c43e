import type { AttentionInputs, AttentionProblem } from '@heed/core';
import type { Engine, Tf } from './engine.ts';
import { isBare } from './finite.ts';
import type { Native } from './memory.ts';

/** exp(±SMALL) is far from the ends of float32, also when a million of them are summed and multiply values. */
const SMALL = 30;

/**
 * Whether no score is larger than exp can take as it is. Then the softmax needs neither the maximum of each row nor its
 * subtraction, two of its five passes over the scores. |q · k| ≤ |q| |k| (Cauchy and Schwarz): the longest query and the
 * longest key are enough to know. NaN and infinities are never small.
 *
 * Only where every row attends to every key: elsewhere a key that is excluded would have a say in how it is computed.
 */
export function hasSmallScores(
  engine: Engine,
  problem: AttentionProblem,
  { query, key }: AttentionInputs<Native>,
): boolean {
  if (!mayHaveSmallScores(problem)) return false;
  const [longestQuery, longestKey] = longestRows(engine, [query, key]) as [number, number];
  return Math.abs(problem.scale) * longestQuery * longestKey <= SMALL;
}

/** Whether {@link hasSmallScores} looks at the numbers of a problem at all. */
export function mayHaveSmallScores(problem: AttentionProblem): boolean {
  return isBare(problem) && !problem.outputs.includes('weights') && isWorthwhile(problem);
}

/** Looking at queries and keys takes a few passes over them: the scores must be many more. */
function isWorthwhile({ queryLength, keyLength, headDim }: AttentionProblem): boolean {
  return queryLength * keyLength >= 4 * (queryLength + keyLength) * headDim;
}

/** What was found, by the data. TensorFlow's tensors are immutable, so it stays true. */
const found = new WeakMap<object, number>();

/** The Euclidean length of the longest row of each tensor, remembered. */
function longestRows({ tf, compute }: Engine, tensors: readonly Native[]): number[] {
  const unknown = tensors.filter(({ dataId }) => !found.has(dataId));
  if (unknown.length > 0) {
    compute(() => {
      const lengths = tf.stack(unknown.map((tensor) => longestRow(tf, tensor))).dataSync();
      for (const [n, { dataId }] of unknown.entries()) found.set(dataId, lengths[n]!);
      return {};
    });
  }
  return tensors.map(({ dataId }) => found.get(dataId)!);
}

function longestRow(tf: Tf, tensor: Native): ReturnType<Tf['sqrt']> {
  return tf.sqrt(tf.max(tf.sum(tf.square(tensor), -1)));
}
