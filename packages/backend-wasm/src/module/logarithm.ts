import {
  type Callable,
  type Code,
  type ModuleBuilder,
  after,
  convert,
  f64,
  i32,
  i64,
  int,
} from '@heed/core/wasm';

/** Terms of the series: the next one is below 2⁻⁵⁶ of the first, for |s| ≤ 0.172. */
const TERMS = 11;
const BITS_OF_ROOT_HALF = 0x3fe6a09e667f3bcdn;
const LN2_HIGH = 0.6931467056274414;
const LN2_LOW = 4.7493250390316726e-7;

/**
 * A function (f64) → f64: the natural logarithm of a normal number.
 *
 * x = 2ᵏ · m with √½ ≤ m < √2, and ln m = 2 artanh(s) = 2s (1 + s²/3 + s⁴/5 + …) with s = (m − 1) / (m + 1).
 */
export function logarithm(module: ModuleBuilder): Callable<['f64'], 'f64'> {
  return module.function({ parameters: ['f64'], result: 'f64' }, (body, x) => {
    const bits = body.local('i64');
    const [k, m, s, square] = body.locals('f64', 4);
    const exponent = i32.sub(
      i32.wrap(
        i64.shrU(i64.add(i64.sub(bits, i64.const(BITS_OF_ROOT_HALF)), i64.const(1n << 62n)), i64.const(52n)),
      ),
      int(1 << 10),
    );
    const power = body.local('i32');
    let series: Code<'f64'> = f64.const(1 / (2 * TERMS - 1));
    for (let n = TERMS - 2; n >= 0; n--) {
      series = f64.add(f64.mul(series, square), f64.const(1 / (2 * n + 1)));
    }
    const statements = [
      bits.set(i64.reinterpret(x)),
      power.set(exponent),
      k.set(convert.f64FromI32(power)),
      m.set(convert.f64FromBits(i64.sub(bits, i64.mul(i64.extendS(power), i64.const(1n << 52n))))),
      s.set(f64.div(f64.sub(m, f64.const(1)), f64.add(m, f64.const(1)))),
      square.set(f64.mul(s, s)),
    ];
    return after(
      statements,
      f64.add(
        f64.mul(k, f64.const(LN2_HIGH)),
        f64.add(f64.mul(k, f64.const(LN2_LOW)), f64.mul(f64.mul(s, f64.const(2)), series)),
      ),
    );
  });
}
