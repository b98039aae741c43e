import type { AttentionBackend, RunOptions } from '@heed/core';
import type { WhisperConfig } from './config.ts';
import type { Window, WhisperDecoder } from './decoder.ts';
import { logProbabilityOf } from './log-probability.ts';
import { alignmentMatrix } from './words/alignment-matrix.ts';
import { timeWarping } from './words/time-warping.ts';

/** Places in the sound of a text's tokens. */
export interface TokenPlaces {
  /** Place of the encoder's output in which each token begins, and where the text ends. */
  readonly starts: Int32Array;
  /** Probability of each token. */
  readonly probabilities: Float64Array;
}

/**
 * Finds the places of tokens: the model reads the text once more, without timestamps, and the cross-attention of the alignment
 * heads is followed from token to token.
 *
 * @param prompt the tokens that begin a text.
 * @param places of the window that the sound fills.
 */
export async function alignTokens(
  backend: AttentionBackend,
  decoder: WhisperDecoder,
  config: WhisperConfig,
  window: Window,
  prompt: readonly number[],
  ids: readonly number[],
  places: number,
  run: RunOptions,
): Promise<TokenPlaces> {
  const { tokens, alignmentHeads, vocabulary } = config;
  const given = [...prompt, tokens.noTimestamps, ...ids];
  const captured = {
    weights: new Set<number>(),
    crossWeights: new Set(alignmentHeads.map(([layer]) => layer)),
  };
  const { logits, crossWeights } = await decoder.forward(backend, given, window, null, 'all', captured, run);
  const matrix = alignmentMatrix(crossWeights, alignmentHeads, places);
  // A token's row is that of the one before, from which it is told.
  const rows = ids.length + 1;
  const costs = matrix.subarray(prompt.length * places).map((value) => -value);
  const probabilities = Float64Array.from(ids, (id, n) => {
    const from = (prompt.length + n) * vocabulary;
    return Math.exp(logProbabilityOf(logits.data.subarray(from, from + tokens.end), id));
  });
  return { starts: timeWarping(costs, rows, places), probabilities };
}
