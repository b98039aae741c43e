// Activations of vectors, made of exponentials of numbers up to 0.
#pragma once
#include "exponential.h"

namespace heed {
namespace {

// erfc(x) = exp(-x^2) t p(t - 1/2) with t = 1 / (1 + x / 2), x >= 0 (the form of Cody, "Rational Chebyshev approximations
// for the error function", 1969, with a polynomial): p interpolates at Chebyshev's points for x from 0 to 9. The error of erf is
// below 5e-9 for float and 3e-15 for double.
template <class T>
struct Complement;
template <>
struct Complement<float> {
  static constexpr float p[] = {0.5107913473569744f, 0.68716085652830361f, 0.55894561666121312f,
      0.14574899080661469f, -0.17213399409069066f, -0.10301495317390241f,
      0.098985391352059665f, 0.045575758935407551f, -0.075295890518173175f,
      0.021606999784050052f};
};
template <>
struct Complement<double> {
  static constexpr double p[] = {0.51079135262098863, 0.6871606844150342, 0.55894418511711341,
      0.14576892570584626, -0.17208529524966848, -0.1036669313223042,
      0.098899557362561105, 0.053585608600501849, -0.084870934049891128,
      -0.0087662787469978305, 0.073882709897126891, -0.035410126737450448,
      -0.042852053213518301, 0.068869988408937377, -0.025043793149252438,
      -0.06093338676705029, 0.14476672351461967, -0.079936074635617804,
      -0.20219414539296088, 0.36500032649996783, -0.17889849548537029};
};

template <class T>
INLINE Vector<T> magnitude(Vector<T> x) {
  return larger(x, -x);
}

// sigma(x) by exp(-|x|), which does not overflow.
template <class T>
INLINE Vector<T> sigmoid(Vector<T> x) {
  const Vector<T> e = exponential<T>(-magnitude<T>(x));
  return select(x < 0, e, splat<T>(1)) / (e + 1);
}

// The standard normal distribution.
template <class T>
INLINE Vector<T> normal(Vector<T> x) {
  using C = Complement<T>;
  const Vector<T> size = magnitude<T>(x) * (T)0.70710678118654752440;
  const Vector<T> t = splat<T>(1) / (size * (T)0.5 + 1);
  constexpr int terms = sizeof C::p / sizeof(T);
  Vector<T> sum = splat<T>(C::p[terms - 1]);
#pragma GCC unroll 32
  for (int k = terms - 2; k >= 0; k--) sum = multiplyAdd(sum, t - (T)0.5, splat<T>(C::p[k]));
  const Vector<T> half = exponential<T>(-size * size) * t * sum * (T)0.5;
  return select(x < 0, half, 1 - half);
}

template <class T, Activation activation>
INLINE Vector<T> activated(Vector<T> x) {
  if constexpr (activation == Activation::relu) return select(x < 0, zeros<T>(), x);
  if constexpr (activation == Activation::gelu) return x * normal<T>(x);
  // 1 + tanh(u) = 2 sigma(2 u)
  if constexpr (activation == Activation::geluTanh)
    return x * sigmoid<T>(x * (x * x * (T)0.044715 + 1) * (T)1.59576912160573071176);
  if constexpr (activation == Activation::silu) return x * sigmoid<T>(x);
  if constexpr (activation == Activation::sigmoid) return sigmoid<T>(x);
  return x;
}

// The derivative. Vectors may hold any number: no product of infinity and 0 arises from finite ones.
template <class T, Activation activation>
INLINE Vector<T> slope(Vector<T> x) {
  if constexpr (activation == Activation::relu) return select(x > 0, splat<T>(1), zeros<T>());
  // x's normal density.
  if constexpr (activation == Activation::gelu)
    return normal<T>(x) + x * exponential<T>(x * x * (T)-0.5) * (T)0.39894228040143267794;
  if constexpr (activation == Activation::geluTanh) {
    // sigma(u) + x sigma(u) sigma(-u) u'. Beyond 64 the second term is 0.
    const Vector<T> near = larger(-larger(-x, splat<T>(-64)), splat<T>(-64)), square = near * near;
    const Vector<T> u = x * (x * x * (T)0.044715 + 1) * (T)1.59576912160573071176, s = sigmoid<T>(u);
    return s + near * s * sigmoid<T>(-u) * (square * (T)(3 * 0.044715) + 1) * (T)1.59576912160573071176;
  }
  if constexpr (activation == Activation::silu) {
    const Vector<T> s = sigmoid<T>(x);
    return s * (1 + x * sigmoid<T>(-x));
  }
  if constexpr (activation == Activation::sigmoid) return sigmoid<T>(x) * sigmoid<T>(-x);
  return splat<T>(1);
}

}  // namespace
}  // namespace heed
