/** Natural logarithms of the softmax of a row of scores, in float64. */
export function logProbabilitiesOf(scores: Float32Array | Float64Array): Float64Array {
  let maximum = -Infinity;
  for (const score of scores) maximum = Math.max(maximum, score);
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - maximum);
  const shift = maximum + Math.log(sum);
  return Float64Array.from(scores, (score) => score - shift);
}
