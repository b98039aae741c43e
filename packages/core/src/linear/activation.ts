import { erf } from './erf.ts';

/**
 * Elementwise functions: `gelu` is x Φ(x), `geluTanh` its approximation by tanh (Hendrycks and Gimpel, 2016; the
 * `gelu_new` of GPT-2), `silu` is x σ(x) (Elfwing et al., 2017), `relu` is max(0, x), `sigmoid` is σ(x).
 */
export type Activation = 'gelu' | 'geluTanh' | 'silu' | 'relu' | 'sigmoid';

/** An activation and its derivative, in float64. */
export interface Curve {
  at(x: number): number;
  slope(x: number): number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const SLOPE_OF_TANH = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** The activations and their slopes, in float64. */
export const CURVES: Readonly<Record<Activation, Curve>> = {
  gelu: {
    at: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    slope: (x) => 0.5 * (1 + erf(x * Math.SQRT1_2)) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  },
  geluTanh: {
    at: (x) => 0.5 * x * (1 + Math.tanh(SLOPE_OF_TANH * (x + CUBIC * x ** 3))),
    slope(x) {
      const tanh = Math.tanh(SLOPE_OF_TANH * (x + CUBIC * x ** 3));
      return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * SLOPE_OF_TANH * (1 + 3 * CUBIC * x * x);
    },
  },
  silu: {
    at: (x) => x * sigmoid(x),
    slope(x) {
      const s = sigmoid(x);
      return s * (1 + x * (1 - s));
    },
  },
  relu: { at: (x) => (x < 0 ? 0 : x), slope: (x) => (x > 0 ? 1 : 0) },
  sigmoid: {
    at: sigmoid,
    slope(x) {
      const s = sigmoid(x);
      return s * (1 - s);
    },
  },
};

/** Names of the activations. */
export const ACTIVATIONS = Object.keys(CURVES) as readonly Activation[];
