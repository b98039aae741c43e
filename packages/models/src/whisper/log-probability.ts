/** The natural logarithm of an id's probability by the softmax of a row of scores, in float64. */
export function logProbabilityOf(scores: Float32Array, id: number): number {
  let maximum = -Infinity;
  for (let n = 0; n < scores.length; n++) if (scores[n] > maximum) maximum = scores[n];
  let sum = 0;
  for (let n = 0; n < scores.length; n++) {
    const below = scores[n] - maximum;
    // All that is so far below is less than 1e-10 of the sum, with any vocabulary.
    if (below > -36) sum += Math.exp(below);
  }
  return scores[id] - maximum - Math.log(sum);
}
