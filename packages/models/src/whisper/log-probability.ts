/** The natural logarithm of an id's probability by the softmax of a row of scores, in float64. */
export function logProbabilityOf(scores: Float32Array, id: number): number {
  let maximum = -Infinity;
  for (const score of scores) if (score > maximum) maximum = score;
  let sum = 0;
  // What is so far below adds nothing to a sum of 1 or more, in float64.
  for (const score of scores) if (score - maximum > -40) sum += Math.exp(score - maximum);
  return scores[id] - maximum - Math.log(sum);
}
