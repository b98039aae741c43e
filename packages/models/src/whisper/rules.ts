import type { WhisperConfig } from './config.ts';

/** Text of a window so far, without the tokens that begin it. */
export type Produced = readonly number[];

/**
 * Sets scores of tokens that cannot follow to −∞: suppressed ones, and timestamps against their rules (Radford et al. 2022,
 * section 2.3). A segment begins and ends with a timestamp; times never go back; a timestamp follows where all of them together
 * are likelier than any other token.
 */
export function applyRules(scores: Float32Array, produced: Produced, config: WhisperConfig): void {
  const { tokens, maximumInitialTimestamp } = config;
  const { firstTimestamp, end } = tokens;
  const exclude = (from: number, to: number): void => {
    scores.fill(-Infinity, from, Math.max(from, to));
  };
  for (const id of tokens.suppressed) scores[id] = -Infinity;
  scores[tokens.noTimestamps] = -Infinity;
  const isTime = (id: number | undefined): boolean => id !== undefined && id >= firstTimestamp;
  if (produced.length === 0) {
    for (const id of tokens.suppressedFirst) scores[id] = -Infinity;
    exclude(0, firstTimestamp);
    if (maximumInitialTimestamp !== null) {
      exclude(firstTimestamp + maximumInitialTimestamp + 1, scores.length);
    }
    return;
  }
  const [before, last] = [produced.at(-2), produced.at(-1)];
  const isOpened = isTime(last) && (before === undefined || isTime(before));
  const isClosed = isTime(last) && !isOpened;
  // Behind the beginning of a segment there is text, behind its end the next beginning, or nothing.
  if (isOpened) exclude(firstTimestamp, scores.length);
  if (isClosed) exclude(0, end);
  const latest = produced.findLast(isTime);
  // An end may not be its own segment's beginning, the next beginning may be the last end.
  if (latest !== undefined) exclude(firstTimestamp, isClosed ? latest : latest + 1);
  if (isLikelyTime(scores, firstTimestamp)) exclude(0, firstTimestamp);
}

/** Returns whether the timestamps together are likelier than every other token. */
function isLikelyTime(scores: Float32Array, firstTimestamp: number): boolean {
  const [words, times] = [scores.subarray(0, firstTimestamp), scores.subarray(firstTimestamp)];
  const best = times.reduce((most, score) => Math.max(most, score), -Infinity);
  if (best === -Infinity) return false;
  let sum = 0;
  for (const score of times) sum += Math.exp(score - best);
  const together = best + Math.log(sum);
  return words.every((score) => score < together);
}
