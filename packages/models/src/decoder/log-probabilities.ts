/** Natural logarithms of the softmax of a row of scores, in float64. */
export function logProbabilitiesOf(scores: Float32Array | Float64Array): Float64Array {
  let maximum = -Infinity;
  for (let n = 0; n < scores.length; n++) maximum = Math.max(maximum, scores[n]);
  let sum = 0;
  for (let n = 0; n < scores.length; n++) sum += Math.exp(scores[n] - maximum);
  const shift = maximum + Math.log(sum);
  const result = new Float64Array(scores.length);
  for (let n = 0; n < scores.length; n++) result[n] = scores[n] - shift;
  return result;
}
