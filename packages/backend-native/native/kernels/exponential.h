// exp(x) = 2^n p(r) with n = x / ln 2 rounded to an integer and r = x - n ln 2, |r| <= ln 2 / 2.
//
// Adding and subtracting 1.5 * 2^23 (2^52) rounds to an integer and leaves n in the low bits of the sum, from where a
// shift takes it to the exponent (Schraudolph, "A fast, compact approximation of the exponential function", Neural
// Computation 1999); on AVX-512 `vscalefps` takes it there. Where product and sum are rounded once, ln 2 is one float: n times its
// error is below 2.4e-7 for every n, and below 2^-25 for x > -10. Elsewhere, and for double, it has two parts (Cody and Waite 1980).
//
// p = 1 + r + r^2 q(r), and exp(0) is exactly 1. NaN gives NaN. Of all q of its degree, that of float has the smallest maximum of the
// relative error of p, 1.05e-7; that of exp is 1.9e-7 for x > -10, and 4e-7 for every x. A term more (7e-9), two parts of ln 2 and a
// shift take 3.2 ns instead of 2.3 for 16 scores, whose products take 28 (Intel Xeon). Powers of 2, whose r is one instruction
// (`vreduceps`), take 1.9, but their error grows with |x| twenty times as fast.
#pragma once
#include "vector.h"

namespace heed {
namespace {

template <class T>
struct Exponent;
template <>
struct Exponent<float> {
  static constexpr float round = 0x1.8p23f, ln2 = 0x1.62e43p-1f, high = 0x1.63p-1f, low = -0x1.bd0106p-13f;
  static constexpr int shift = 23;
  // Below it the exponential is 0: just above ln 2^-126, under which there is no exponent to shift to.
  static constexpr float lowest = -87.33f;
  static constexpr float q[] = {0.4999923179073684f, 0.16667114464383243f, 0.041890113246612924f, 0.008312524970851158f};
  // For exp(x) - 1, whose relative error near 0 is that of q.
  static constexpr float nearOne[] = {0.5f, 0.16666576266288757f, 0.041666556149721146f, 0.008363203145563602f,
                                      0.0013926213141530752f};
};
template <>
struct Exponent<double> {
  static constexpr double round = 0x1.8p52, high = 0.6931467056274414, low = 4.7493250390316726e-7;
  static constexpr int shift = 52;
  static constexpr double lowest = -708.39;
  static constexpr double q[] = {0.5,
                                 0.16666666666666669,
                                 0.04166666666662399,
                                 0.008333333333330051,
                                 0.0013888888917281794,
                                 0.00019841269863105968,
                                 2.480152119021773e-5,
                                 2.7557268378684192e-6,
                                 2.7620138719736994e-7,
                                 2.5100424157005067e-8};
  static constexpr auto& nearOne = q;
};

template <class T>
struct Reduced {
  Vector<T> sum, n, r;
};

template <class T>
INLINE Reduced<T> reduced(Vector<T> x) {
  using E = Exponent<T>;
  const Vector<T> sum = multiplyAdd(x, splat<T>((T)1.4426950408889634), splat<T>(E::round));
  const Vector<T> n = sum - E::round;
#if defined(HEED_AVX512) || defined(HEED_AVX2) || defined(HEED_NEON)
  if constexpr (sizeof(T) == 4) return {sum, n, multiplyAdd(n, splat<T>(-E::ln2), x)};
#endif
  return {sum, n, multiplyAdd(n, splat<T>(-E::low), multiplyAdd(n, splat<T>(-E::high), x))};
}

// 1 + r q(r)
template <class T, int terms>
INLINE Vector<T> slope(Vector<T> r, const T (&q)[terms]) {
  Vector<T> p = splat<T>(q[terms - 1]);
#pragma GCC unroll 16
  for (int k = terms - 2; k >= 0; k--) p = multiplyAdd(p, r, splat<T>(q[k]));
  return multiplyAdd(p, r, splat<T>(1));
}

// exp(x) for x <= 0; exactly 0 below `lowest`, for minus infinity too.
template <class T>
INLINE Vector<T> exponential(Vector<T> x) {
  using E = Exponent<T>;
  const Reduced<T> at = reduced<T>(x);
  const Vector<T> p = multiplyAdd(slope<T>(at.r, E::q), at.r, splat<T>(1));
#if defined(HEED_AVX512)
  // Not "less than" instead of "greater or equal": NaN must stay.
  if constexpr (sizeof(T) == 4)
    return (F32)_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(E::lowest), _CMP_NLT_UQ), (__m512)p, (__m512)at.n);
  else
    return (F64)_mm512_maskz_scalef_pd(_mm512_cmp_pd_mask((__m512d)x, _mm512_set1_pd(E::lowest), _CMP_NLT_UQ), (__m512d)p, (__m512d)at.n);
#else
  using I = Integers<T>;
  return (Vector<T>)(((I)p + ((I)at.sum << E::shift)) & ~(I)(x < E::lowest));
#endif
}

template <class T>
INLINE T exponentialOf(T x) {
  return exponential<T>(splat<T>(x))[0];
}

// exp(x) - 1 for 0 <= x <= 40, to full precision near 0 too.
template <class T>
INLINE Vector<T> exponentialMinusOne(Vector<T> x) {
  using E = Exponent<T>;
  using I = Integers<T>;
  const Reduced<T> at = reduced<T>(x);
  const Vector<T> power = (Vector<T>)((I)splat<T>(1) + ((I)at.sum << E::shift));
  return multiplyAdd(power, slope<T>(at.r, E::nearOne) * at.r, power - 1);
}

}  // namespace
}  // namespace heed
