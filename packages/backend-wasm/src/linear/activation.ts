import type { Activation } from '@heed/core';
import { type Block, type Code, type Locals, type Variable, after, v128 } from '@heed/core/wasm';
import type { Element } from '../module/element.ts';
import { exponential } from '../module/exponential.ts';

/**
 * erfc(x) = exp(−x²) t p(t − ½) with t = 1 / (1 + x / 2), x ≥ 0 (the form of Cody, "Rational Chebyshev approximations for the
 * error function", 1969, with a polynomial): p interpolates at Chebyshev's points for x from 0 to 9. The error of erf is below
 * 5e-9 for float32 and 3e-15 for float64.
 */
const COMPLEMENT = {
  float32: [
    0.5107913473569744, 0.6871608565283036, 0.5589456166612131, 0.1457489908066147, -0.17213399409069066,
    -0.10301495317390241, 0.09898539135205967, 0.04557575893540755, -0.07529589051817318,
    0.021606999784050052,
  ],
  float64: [
    0.5107913526209886, 0.6871606844150342, 0.5589441851171134, 0.14576892570584626, -0.17208529524966848,
    -0.1036669313223042, 0.0988995573625611, 0.05358560860050185, -0.08487093404989113, -0.00876627874699783,
    0.07388270989712689, -0.03541012673745045, -0.0428520532135183, 0.06886998840893738, -0.02504379314925244,
    -0.06093338676705029, 0.14476672351461967, -0.0799360746356178, -0.20219414539296088, 0.36500032649996783,
    -0.1788984954853703,
  ],
} as const;

/** An activation of vectors, made of exponentials of numbers up to 0. */
export interface VectorActivation {
  /** Code to put before the loops. */
  readonly prepare: Block;
  /** Changes a vector in place. */
  apply(x: Variable<'v128'>): Block;
}

/** @param isSlope true for the derivative. */
export function vectorActivation(
  element: Element,
  body: Locals,
  activation: Activation | null,
  isSlope = false,
): VectorActivation {
  if (activation === null) return { prepare: [], apply: () => [] };
  const { vector, scalar, madd } = element;
  const constants: Block[] = [];
  const constant = (value: number): Variable<'v128'> => {
    const variable = body.local('v128');
    constants.push(variable.set(vector.splat(scalar.const(value))));
    return variable;
  };
  const zero = constant(0);
  if (activation === 'relu') {
    if (isSlope) {
      const one = constant(1);
      return { prepare: constants, apply: (x) => x.set(v128.and(one, vector.lt(zero, x))) };
    }
    return { prepare: constants, apply: (x) => x.set(v128.andnot(x, vector.lt(x, zero))) };
  }
  const exp = exponential(element, body);
  const [one, half] = [constant(1), constant(0.5)];
  const [size, e, t, sum] = body.locals('v128', 4);
  /** a where x < 0, else b. */
  const ofSign = (x: Code<'v128'>, a: Code<'v128'>, b: Code<'v128'>): Code<'v128'> =>
    v128.or(v128.and(a, vector.lt(x, zero)), v128.andnot(b, vector.lt(x, zero)));
  const sizeOf = (x: Variable<'v128'>): Code<'v128'> => ofSign(x, vector.sub(zero, x), x);
  const sigmoid = (x: Variable<'v128'>): Code<'v128'> =>
    after(
      [size.set(vector.sub(zero, sizeOf(x))), e.set(exp.of(size))],
      vector.div(ofSign(x, e, one), vector.add(one, e)),
    );
  const opposite = body.local('v128');
  /** σ(x), and σ(−x) to full precision in `opposite`. */
  const sigmoids = (x: Variable<'v128'>): Code<'v128'> =>
    after(
      [
        size.set(vector.sub(zero, sizeOf(x))),
        e.set(exp.of(size)),
        t.set(vector.add(one, e)),
        opposite.set(vector.div(ofSign(x, one, e), t)),
      ],
      vector.div(ofSign(x, e, one), t),
    );
  if (isSlope && (activation === 'silu' || activation === 'sigmoid')) {
    return {
      prepare: [exp.prepare, constants],
      apply: (x) => [
        sum.set(sigmoids(x)),
        x.set(vector.mul(sum, activation === 'silu' ? madd(x, opposite, one) : opposite)),
      ],
    };
  }
  if (activation === 'silu' || activation === 'sigmoid') {
    return {
      prepare: [exp.prepare, constants],
      apply: (x) => x.set(activation === 'silu' ? vector.mul(x, sigmoid(x)) : sigmoid(x)),
    };
  }
  if (activation === 'geluTanh') {
    // 1 + tanh(u) = 2 σ(2 u)
    const [cubic, slope] = [constant(0.044715), constant(2 * Math.sqrt(2 / Math.PI))];
    const u = body.local('v128');
    if (isSlope) {
      // σ(u) + x σ(u) σ(−u) u′. Beyond 64 the second term is 0, and no product of infinity and 0 may arise.
      const [thrice, end, start] = [constant(3 * 0.044715), constant(64), constant(-64)];
      return {
        prepare: [exp.prepare, constants],
        apply: (x) => [
          u.set(vector.mul(vector.mul(x, slope), madd(vector.mul(x, x), cubic, one))),
          sum.set(sigmoids(u)),
          x.set(vector.pmax(vector.pmin(x, end), start)),
          t.set(vector.mul(vector.mul(vector.mul(x, slope), madd(vector.mul(x, x), thrice, one)), opposite)),
          x.set(madd(t, sum, sum)),
        ],
      };
    }
    return {
      prepare: [exp.prepare, constants],
      apply: (x) => [
        u.set(vector.mul(vector.mul(x, slope), madd(vector.mul(x, x), cubic, one))),
        x.set(vector.mul(x, sigmoid(u))),
      ],
    };
  }
  const root = constant(Math.SQRT1_2);
  const coefficients = COMPLEMENT[element.dtype].map(constant);
  const shifted = body.local('v128');
  const density = isSlope ? constant(1 / Math.sqrt(2 * Math.PI)) : zero;
  return {
    prepare: [exp.prepare, constants],
    apply: (x) => [
      size.set(vector.mul(sizeOf(x), root)),
      t.set(vector.div(one, madd(size, half, one))),
      shifted.set(vector.sub(t, half)),
      sum.set(coefficients.at(-1)!),
      coefficients
        .slice(0, -1)
        .toReversed()
        .map((coefficient) => sum.set(madd(sum, shifted, coefficient))),
      size.set(vector.sub(zero, vector.mul(size, size))),
      e.set(exp.of(size)),
      sum.set(vector.mul(vector.mul(vector.mul(e, t), sum), half)),
      sum.set(ofSign(x, sum, vector.sub(one, sum))),
      x.set(isSlope ? madd(vector.mul(x, e), density, sum) : vector.mul(x, sum)),
    ],
  };
}
