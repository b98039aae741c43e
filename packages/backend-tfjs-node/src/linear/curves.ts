import type { Activation } from '@heed/core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../platform/engine.ts';

/** An activation and its derivative, in TensorFlow's operations. */
interface TfCurve {
  at(tf: Tf, x: TfTensor): TfTensor;
  slope(tf: Tf, x: TfTensor): TfTensor;
}

/**
 * erfc(x) = exp(−x²) t p(t − 1/2) with t = 1 / (1 + x / 2), x ≥ 0 (the form of Cody, "Rational Chebyshev approximations for the
 * error function", 1969, with a polynomial): p interpolates at Chebyshev's points for x from 0 to 9. 1 + erf(x), which TensorFlow
 * has, cancels where x is negative.
 */
const COMPLEMENT = [
  0.5107913473569744, 0.68716085652830361, 0.55894561666121312, 0.14574899080661469, -0.17213399409069066,
  -0.10301495317390241, 0.098985391352059665, 0.045575758935407551, -0.075295890518173175,
  0.021606999784050052,
];

/** The standard normal distribution. */
function normal(tf: Tf, x: TfTensor): TfTensor {
  const size = tf.mul(tf.abs(x), Math.SQRT1_2);
  const t = tf.reciprocal(tf.add(tf.mul(size, 0.5), 1));
  const off = tf.sub(t, 0.5);
  const p = COMPLEMENT.reduceRight<TfTensor>(
    (sum, term) => tf.add(tf.mul(sum, off), term),
    tf.zerosLike(off),
  );
  const half = tf.mul(tf.mul(tf.exp(tf.neg(tf.square(size))), tf.mul(t, p)), 0.5);
  return tf.where(tf.less(x, 0), half, tf.sub(1, half));
}

/** σ(x) by exp(−|x|), which does not overflow. */
function sigmoid(tf: Tf, x: TfTensor): TfTensor {
  const e = tf.exp(tf.neg(tf.abs(x)));
  return tf.div(tf.where(tf.less(x, 0), e, tf.onesLike(x)), tf.add(e, 1));
}

/** Twice the argument of tanh, since 1 + tanh(u) = 2 σ(2 u). */
function twice(tf: Tf, x: TfTensor): TfTensor {
  return tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), 0.044715), 1)), 2 * Math.sqrt(2 / Math.PI));
}

/** σ(x) σ(−x), the derivative of σ. */
function sigmoidSlope(tf: Tf, x: TfTensor): TfTensor {
  return tf.mul(sigmoid(tf, x), sigmoid(tf, tf.neg(x)));
}

export const TF_CURVES: Readonly<Record<Activation, TfCurve>> = {
  relu: {
    at: (tf, x) => tf.where(tf.less(x, 0), tf.zerosLike(x), x),
    slope: (tf, x) => tf.cast(tf.greater(x, 0), 'float32'),
  },
  gelu: {
    at: (tf, x) => tf.mul(x, normal(tf, x)),
    slope(tf, x) {
      const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return tf.add(normal(tf, x), tf.mul(x, density));
    },
  },
  geluTanh: {
    at: (tf, x) => tf.mul(x, sigmoid(tf, twice(tf, x))),
    slope(tf, x) {
      // σ(u) + x σ(u) σ(−u) u′. Beyond 64 the second term is 0, and squares would overflow.
      const near = tf.clipByValue(x, -64, 64);
      const inner = tf.mul(tf.add(tf.mul(tf.square(near), 3 * 0.044715), 1), 2 * Math.sqrt(2 / Math.PI));
      const u = twice(tf, x);
      return tf.add(sigmoid(tf, u), tf.mul(tf.mul(near, sigmoidSlope(tf, u)), inner));
    },
  },
  silu: {
    at: (tf, x) => tf.mul(x, sigmoid(tf, x)),
    slope: (tf, x) => tf.mul(sigmoid(tf, x), tf.add(tf.mul(x, sigmoid(tf, tf.neg(x))), 1)),
  },
  sigmoid: { at: sigmoid, slope: sigmoidSlope },
};
