import { type Block, type Code, type Locals, type Variable, after, int, v128 } from '@heed/core/wasm';
import type { Element } from './element.ts';

/*
 * exp(x) = 2ⁿ · p(r) with n = x / ln 2 rounded to an integer and r = x − n · ln 2, |r| ≤ ln 2 / 2.
 *
 * Adding and subtracting 1.5 · 2²³ (2⁵²) rounds to an integer, and leaves n in the low bits of the sum, from where a
 * shift takes it to the exponent: no conversion is needed (Schraudolph, "A fast, compact approximation of the
 * exponential function", Neural Computation 1999, for the exponent; Cody and Waite 1980 for the two parts of ln 2).
 *
 * p = 1 + r + r² · q(r), q interpolating at Chebyshev's points. Its relative error is 1.1e-8 for float32 and 1.6e-17
 * for float64; exp(0) is exactly 1. NaN gives NaN, as long as it is the canonical one or of low payload 0.
 */
const PARTS = {
  float32: {
    round: 1.5 * 2 ** 23,
    shift: 23,
    ln2: [0.693359375, -0.00021219444170128554],
    /** Below it exp is exactly 0 here: just above ln 2⁻¹²⁶, below which there is no exponent to shift to. */
    minimum: -87.33,
    q: [0.5, 0.16666576266288757, 0.041666556149721146, 0.008363203145563602, 0.0013926213141530752],
  },
  float64: {
    round: 1.5 * 2 ** 52,
    shift: 52,
    ln2: [0.6931467056274414, 4.7493250390316726e-7],
    /** The same for 2⁻¹⁰²². */
    minimum: -708.39,
    q: [
      0.5, 0.16666666666666669, 0.04166666666662399, 0.008333333333330051, 0.0013888888917281794,
      0.00019841269863105968, 2.480152119021773e-5, 2.7557268378684192e-6, 2.7620138719733994e-7,
      2.5100424157005067e-8,
    ],
  },
} as const;

/** Code<'i32'> of the vector exponential in one function, with its constants in variables: they are slow in loops. */
export interface Exponential {
  /** Code to put before the loops. */
  readonly prepare: Block;
  /** exp(x) for x ≤ 0; exactly 0 below {@link PARTS}' `minimum`, −∞ included. */
  of(x: Variable<'v128'>): Code<'v128'>;
  /** exp(x) − 1 for x ≥ 0 up to 40, to full precision near 0 too. Leaves 2ⁿ in `power`. */
  minusOne(x: Variable<'v128'>, power: Variable<'v128'>): Code<'v128'>;
}

export function exponential(element: Element, body: Locals): Exponential {
  const { vector, scalar, integer, madd, nmadd, fused } = element;
  const { round, shift, ln2, minimum, q } = PARTS[element.dtype];
  const constants: Block[] = [];
  const constant = (value: number): Variable<'v128'> => {
    const variable = body.local('v128');
    constants.push(variable.set(vector.splat(scalar.const(value))));
    return variable;
  };
  const log2e = constant(Math.LOG2E);
  const rounding = constant(round);
  // Fused, the product is exact, and float32's ln 2 alone leaves a relative error of 3e-9 · |x|.
  const single = fused && element.dtype === 'float32';
  const high = constant(single ? Math.LN2 : ln2[0]);
  const low = single ? null : constant(ln2[1]);
  const one = constant(1);
  const lowest = constant(minimum);
  const coefficients = q.map(constant);
  const [sum, n, r] = body.locals('v128', 3);

  const reduce = (x: Variable<'v128'>): Block => [
    sum.set(madd(x, log2e, rounding)),
    n.set(vector.sub(sum, rounding)),
    r.set(low === null ? nmadd(n, high, x) : nmadd(n, low, nmadd(n, high, x))),
  ];
  /** 1 + r · q(r) */
  const slope = (): Code<'v128'> => {
    let p: Code<'v128'> = coefficients.at(-1)!;
    for (let k = coefficients.length - 2; k >= 0; k--) p = madd(p, r, coefficients[k]);
    return madd(p, r, one);
  };
  const exponent = (): Code<'v128'> => integer.shl(sum, int(shift));
  return {
    prepare: constants,
    of: (x) =>
      after(reduce(x), v128.andnot(integer.add(madd(slope(), r, one), exponent()), vector.lt(x, lowest))),
    minusOne: (x, power) =>
      after(
        [reduce(x), power.set(integer.add(one, exponent()))],
        madd(power, vector.mul(slope(), r), vector.sub(power, one)),
      ),
  };
}
