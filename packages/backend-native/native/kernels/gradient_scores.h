// For one row with the keys of a tile, turns scores into weights, and products with dO into the gradients of the
// scores, dS = P (dP - rowsum(dO O)), both in place; with dropout, weights for values and dP are multiplied by 0 or
// 1 / (1 - p). Adds those of the scores to the gradient of the bias.
#pragma once
#include "dropout.h"
#include "gradient_rows.h"
#include "score_steps.h"

namespace heed {
namespace {

// Address of the sums of a row's bias gradient: in the result itself if each of its rows belongs to one query, else in
// sums of the task's own. `key` is 0 where one number serves all keys. A result of 16 bits, each number of which is written
// once, is `rounded` instead.
template <class T>
struct BiasSums {
  T* row;
  void* rounded;
  i64 key;
};

template <class T>
INLINE void addBias(const Block<T>& b, BiasSums<T> sums, i64 column, Vector<T> dScore) {
  constexpr int L = LANES<T>;
  const i64 key = b.tile + column;
  if (sums.rounded != nullptr) {
    const int count = (int)least(L, b.p.keyLength - key);
    if (count > 0) storeAs<T>(b.p.format, elementOf<T>(b.p.format, sums.rounded, key), dScore, count);
    return;
  }
  if (key + L <= b.p.keyLength) return store(sums.row + key, load(sums.row + key) + dScore);
  // The row may be followed by one that another thread is writing.
  for (int n = 0; n < L; n++) {
    if (key + n < b.p.keyLength) sums.row[key + n] += dScore[n];
  }
}

template <class T>
INLINE void scoreGradient(const Block<T>& b, const Row<T>& row, T* scores, T* dScores, const T* slopes,
                          BiasSums<T> biasSums) {
  using V = Vector<T>;
  constexpr int L = LANES<T>;
  const V max = splat<T>(row.max), inverse = splat<T>(row.inverse), mean = splat<T>(row.mean);
  V total{};
  T kept[GRADIENT_KEYS];
  const bool drops = b.p.keptFactor != 0;
  if (drops) keptFactors(b, row, kept);
  for (i64 c = b.from; c < b.to; c += L) {
    const V weight = exponential<T>(load(scores + c) - max) * inverse;
    V dWeight = load(dScores + c);
    if (drops) dWeight *= load(kept + c);
    store(scores + c, drops ? weight * load(kept + c) : weight);
    // A key without weight may have had a product that overflowed, and a slope that is not a number.
    const auto none = weight == 0;
    V dScore = select(none, zeros<T>(), weight * (dWeight - mean));
    if ((biasSums.row != nullptr && biasSums.key != 0) || biasSums.rounded != nullptr) addBias(b, biasSums, c, dScore);
    if (biasSums.row != nullptr && biasSums.key == 0) total += dScore;
    if (slopes != nullptr) dScore = select(none, zeros<T>(), dScore * load(slopes + c));
    store(dScores + c, dScore);
  }
  if (biasSums.row != nullptr && biasSums.key == 0) *biasSums.row += sumOf<T>(total);
}

// Adds rowsum(P dP) over the keys of a tile to the total of a row.
template <class T>
INLINE void addToTotal(const Block<T>& b, Row<T>& row, const T* scores, const T* dScores) {
  constexpr int L = LANES<T>;
  Vector<T> total{};
  T kept[GRADIENT_KEYS];
  const bool drops = b.p.keptFactor != 0;
  if (drops) keptFactors(b, row, kept);
  for (i64 c = b.from; c < b.to; c += L) {
    const Vector<T> weight = exponential<T>(load(scores + c) - row.max) * row.inverse;
    Vector<T> dWeight = load(dScores + c);
    if (drops) dWeight *= load(kept + c);
    total += select(weight == 0, zeros<T>(), weight * dWeight);
  }
  row.total += (double)sumOf<T>(total);
}

}  // namespace
}  // namespace heed
