import type { FloatTensor } from '@heed/layers';
import { zeros } from './tensors.ts';

const STEPS = 256;
const END = 6;

/** erf by its series (Abramowitz and Stegun, 7.1.6), whose terms are all positive. */
function erfBySeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const slopeAt = (x: number): number => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
const values = Float64Array.from({ length: END * STEPS + 1 }, (_, n) => erfBySeries(n / STEPS));
const slopes = Float64Array.from({ length: END * STEPS + 1 }, (_, n) => slopeAt(n / STEPS) / STEPS);

/** erf by cubic interpolation between values and slopes of a table: error under 1e-10. */
function erf(x: number): number {
  const position = Math.abs(x) * STEPS;
  if (!(position < END * STEPS)) return Number.isNaN(x) ? NaN : Math.sign(x);
  const n = Math.floor(position);
  const t = position - n;
  const rise = values[n + 1] - values[n];
  const curve = (1 - t) * (slopes[n] - rise) + t * (rise - slopes[n + 1]);
  return Math.sign(x) * (values[n] + t * rise + t * (1 - t) * curve);
}

/** x Φ(x), the exact GELU that BERT uses (Hendrycks and Gimpel 2016). */
export function gelu(input: FloatTensor): FloatTensor {
  const output = zeros(input.shape);
  for (let n = 0; n < output.data.length; n++) {
    const x = input.data[n];
    output.data[n] = 0.5 * x * (1 + erf(x * Math.SQRT1_2));
  }
  return output;
}
