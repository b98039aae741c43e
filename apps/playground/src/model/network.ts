import { type Tensor, tensor } from '@heed/core';

/** The parts of an encoder that are not attention. */
export type Matrix = Tensor<'float32'>;

export function plus(a: Matrix, b: Matrix): Matrix {
  return tensor(
    a.data.map((value, n) => value + b.data[n]!),
    a.shape,
  );
}

/** Rows with mean 0 and variance 1, then scaled and shifted (Ba, Kiros and Hinton 2016). */
export function layerNorm(x: Matrix, weight: Float32Array, bias: Float32Array, epsilon: number): Matrix {
  const width = weight.length;
  const result = new Float32Array(x.data.length);
  for (let start = 0; start < x.data.length; start += width) {
    const row = x.data.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const factor = 1 / Math.sqrt(variance + epsilon);
    for (let e = 0; e < width; e++) result[start + e] = (row[e]! - mean) * factor * weight[e]! + bias[e]!;
  }
  return tensor(result, x.shape);
}

/** x Φ(x), which BERT uses (Hendrycks and Gimpel 2016). */
export function gelu(x: Matrix): Matrix {
  return tensor(
    x.data.map((value) => 0.5 * value * (1 + erf(value * Math.SQRT1_2))),
    x.shape,
  );
}

/** Beyond it, erf is 1 in float64. */
const ERF_END = 6;

/** By the series of positive terms (Abramowitz and Stegun, 7.1.6). */
function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size < ERF_END)) return Number.isNaN(x) ? NaN : Math.sign(x);
  let [term, sum] = [size, size];
  for (let n = 1; term > sum * 1e-12; n++) {
    term *= (2 * size * size) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-size * size) * sum;
}

/** `[1, H, L, D]` from `[1, L, H · D]`. */
export function splitHeads({ shape, data }: Matrix, heads: number): Matrix {
  const [, length, width] = shape as [number, number, number];
  const depth = width / heads;
  const result = new Float32Array(data.length);
  for (let i = 0; i < length; i++) {
    for (let h = 0; h < heads; h++) {
      const from = i * width + h * depth;
      result.set(data.subarray(from, from + depth), (h * length + i) * depth);
    }
  }
  return tensor(result, [1, heads, length, depth]);
}
