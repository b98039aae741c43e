// Replaces the scores of rows by their exponentials relative to the maximum so far, and brings row maxima and row sums up
// to date (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018, algorithm 3). Earlier sums
// are to be multiplied by a factor for each row.
//
// Maxima of as many rows as a vector has lanes are found together, and their factors are one exponential: row by row, a
// chain of shuffles and an unpredictable branch cost as much as a third of the exponentials. The row sum stays
// a vector until the row is finished. The maximum overlooks NaN; the sum does not.
#pragma once
#include "block.h"
#include "exponential.h"

namespace heed {
namespace {

template <class T>
INLINE Vector<T> rowMaximum(const T* scores, i64 from, i64 to) {
  constexpr int L = LANES<T>;
  Vector<T> max = splat<T>((T)-INF), second = max;
  i64 c = from;
  for (; c + 2 * L <= to; c += 2 * L) {
    max = larger(load(scores + c), max);
    second = larger(load(scores + c + L), second);
  }
  if (c < to) max = larger(load(scores + c), max);
  return larger(second, max);
}

// Brings the maxima of L rows up to date, writes their factors, and returns the subtrahends of their scores.
template <class T>
INLINE Vector<T> raiseMaxima(const Vector<T>* maxima, T* maxAt, T* factorAt) {
  const Vector<T> before = load(maxAt);
  const Vector<T> after = larger(maximaOf<T>(maxima), before);
  store(maxAt, after);
  // Nothing attended to so far: minus infinity minus 0 is minus infinity.
  const Vector<T> subtracted = select(after == (T)-INF, zeros<T>(), after);
  store(factorAt, exponential<T>(before - subtracted));
  return subtracted;
}

template <class T>
INLINE void exponentiate(T* scores, i64 from, i64 to, T subtracted, T factor, T* sumAt) {
  constexpr int L = LANES<T>;
  Vector<T> sum = load(sumAt) * factor;
#pragma GCC unroll 2
  for (i64 c = from; c < to; c += L) {
    const Vector<T> e = exponential<T>(load(scores + c) - subtracted);
    store(scores + c, e);
    sum += e;
  }
  store(sumAt, sum);
}

}  // namespace
}  // namespace heed
