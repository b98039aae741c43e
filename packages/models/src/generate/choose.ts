import { logProbabilitiesOf } from '../decoder/log-probabilities.ts';

/** Options for choosing the next token by the scores. */
export interface ChooseOptions {
  /** Divides the scores; 0 takes the likeliest token. */
  readonly temperature: number;
  /** Number of likeliest tokens to sample from; Infinity for all. */
  readonly topK: number;
  /** Samples from the likeliest tokens that together have this probability (Holtzman et al. 2020). */
  readonly topP: number;
}

/**
 * Chooses a token's id: the likeliest, or a sample. Among equal scores the lower id comes first.
 *
 * @param random uniform in [0, 1); called once where there is a choice.
 */
export function choose(
  scores: Float32Array,
  { temperature, topK, topP }: ChooseOptions,
  random: () => number,
): number {
  if (temperature === 0) return likeliest(scores, 1)[0];
  // Differences in float64: a score over a low temperature may exceed float32, and over a high one all would be alike.
  const maximum = scores[likeliest(scores, 1)[0]];
  const { ids, probabilities } = candidates(
    Float64Array.from(scores, (score) => (score - maximum) / temperature),
    topK,
    topP,
  );
  const kept = topP < 1 ? countOf(probabilities, topP) : ids.length;
  let sum = 0;
  for (let n = 0; n < kept; n++) sum += probabilities[n];
  let left = random() * sum;
  for (let n = 0; n < kept; n++) {
    left -= probabilities[n];
    if (left < 0) return ids[n];
  }
  return ids[kept - 1];
}

/** The ids to sample from, and perhaps less likely ones, with their probabilities; in their order where some are left out. */
function candidates(
  scores: Float64Array,
  topK: number,
  topP: number,
): { readonly ids: Uint32Array; readonly probabilities: Float64Array } {
  if (topK < scores.length) {
    const ids = likeliest(scores, topK);
    return {
      ids,
      probabilities: logProbabilitiesOf(Float64Array.from(ids, (id) => scores[id])).map(Math.exp),
    };
  }
  const logs = logProbabilitiesOf(scores);
  if (topP === 1) return { ids: Uint32Array.from(scores, (_, id) => id), probabilities: logs.map(Math.exp) };
  // Few are likely, as a rule: all are sorted only where these are not enough.
  for (let count = SELECTED; ; count = scores.length) {
    const ids = likeliest(scores, count);
    const probabilities = Float64Array.from(ids, (id) => Math.exp(logs[id]));
    if (count >= scores.length || probabilities.reduce((sum, each) => sum + each, 0) >= topP) {
      return { ids, probabilities };
    }
  }
}

/** Ids up to which they are selected one by one; sorting all is faster beyond. */
const SELECTED = 256;

/** The ids of the highest scores, in their order. */
export function likeliest(scores: Float32Array | Float64Array, count: number): Uint32Array {
  if (count === 1) {
    let best = 0;
    for (let id = 1; id < scores.length; id++) if (scores[id] > scores[best]) best = id;
    return Uint32Array.of(best);
  }
  const isBefore = (a: number, b: number): boolean =>
    scores[a] > scores[b] || (scores[a] === scores[b] && a < b);
  if (count > SELECTED) {
    const ids = Uint32Array.from(scores, (_, id) => id);
    return ids.sort((a, b) => (isBefore(a, b) ? -1 : 1)).subarray(0, count);
  }
  // Few of many: an id moves up among the best so far, which most never reach.
  const best = new Uint32Array(Math.min(count, scores.length));
  let length = 0;
  for (let id = 0; id < scores.length; id++) {
    if (length === best.length && !isBefore(id, best[length - 1])) continue;
    let place = length < best.length ? length++ : length - 1;
    for (; place > 0 && isBefore(id, best[place - 1]); place--) best[place] = best[place - 1];
    best[place] = id;
  }
  return best;
}

/** Number of the likeliest tokens that together have the probability, including the one that completes it. */
function countOf(probabilities: Float64Array, topP: number): number {
  let sum = 0;
  for (let n = 0; n < probabilities.length; n++) {
    sum += probabilities[n];
    if (sum >= topP) return n + 1;
  }
  return probabilities.length;
}

/**
 * Lowers the scores of tokens that the text has, in place: a score above 0 is divided by the penalty, one below multiplied
 * (Keskar et al., "CTRL", 2019, section 4.1).
 */
export function penalize(scores: Float32Array, seen: ReadonlySet<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const id of seen) scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty;
}
