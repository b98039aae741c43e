// Replaces the scores of a row by their exponentials relative to the maximum so far, and brings row maximum and row sum
// up to date (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018, algorithm 3). What was summed
// before is to be multiplied by the factor that it returns.
//
// The row sum stays a vector until the row is finished. The maximum of all lanes is looked for only where some lane
// exceeds the one so far, which after a few tiles is rare. The maximum overlooks NaN; the sum does not.
#pragma once
#include "block.h"
#include "exponential.h"

namespace heed {
namespace {

template <class T>
INLINE T onlineSoftmax(Row<T>& row, T* scores, i64 from, i64 to, T* sumAt) {
  using V = Vector<T>;
  constexpr int L = LANES<T>;
  const V before = splat<T>(row.max);
  V max = before, second = before;
  i64 c = from;
  for (; c + 2 * L <= to; c += 2 * L) {
    max = larger(load(scores + c), max);
    second = larger(load(scores + c + L), second);
  }
  if (c < to) max = larger(load(scores + c), max);
  max = larger(second, max);
  T factor = 1;
  if (anyGreater(max, before)) {
    const T greatest = greatestOf<T>(max);
    factor = exponentialOf<T>(row.max - greatest);
    row.max = greatest;
  }
  // Nothing attended to so far: minus infinity less 0 stays that.
  const V subtracted = splat<T>(row.max == (T)-INF ? 0 : row.max);
  V sum = load(sumAt) * factor;
#pragma GCC unroll 2
  for (c = from; c < to; c += L) {
    const V e = exponential<T>(load(scores + c) - subtracted);
    store(scores + c, e);
    sum += e;
  }
  store(sumAt, sum);
  return factor;
}

}  // namespace
}  // namespace heed
