// The natural logarithm of a normal number, the same in every build: libraries differ in the last bit.
//
// x = 2^k m with sqrt(1/2) <= m < sqrt(2), and ln m = 2 artanh(s) = 2 s (1 + s^2 / 3 + s^4 / 5 + ...) with
// s = (m - 1) / (m + 1), |s| <= 0.172. The first term left out is below 2^-56 of the first.
#pragma once
#include "vector.h"

namespace heed {
namespace {

INLINE double logarithm(double x) {
  constexpr int terms = 11;
  constexpr int64_t rootHalf = 0x3fe6a09e667f3bcd;
  int64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const int64_t k = ((bits - rootHalf + (1ll << 62)) >> 52) - (1 << 10);
  const int64_t scaled = bits - k * (1ll << 52);
  double m;
  __builtin_memcpy(&m, &scaled, sizeof m);
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double series = 1.0 / (2 * terms - 1);
#pragma GCC unroll 16
  for (int n = terms - 2; n >= 0; n--) series = series * square + 1.0 / (2 * n + 1);
  return k * 0.6931467056274414 + (k * 4.7493250390316726e-7 + s * 2 * series);
}

}  // namespace
}  // namespace heed
