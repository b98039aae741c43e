// Ends the softmax of a block's rows: adds the sink, and writes statistics and outputs.
#pragma once
#include "exponential.h"
#include "selection.h"

namespace heed {
namespace {

template <class T>
INLINE void writeScaled(const T* from, T factor, T* to, i64 depth) {
  constexpr int L = LANES<T>;
  i64 d = 0;
  for (; d + L <= depth; d += L) store(to + d, load(from + d) * factor);
  if (d < depth) storePart(to + d, loadPart(from + d, (int)(depth - d)) * factor, (int)(depth - d));
}

// Until row maximum and row sum are known, the output `weights` keeps the scores: reading them again costs less than
// computing them again.
template <class T>
INLINE void keepScores(const Block<T>& b, const Row<T>& row, const T* scores) {
  const i64 end = least(b.to, b.p.keyLength - b.tile);
  if (b.from < end)
    __builtin_memcpy(b.weightsRow(row) + b.tile + b.from, scores + b.from, (end - b.from) * sizeof(T));
}

template <class T>
INLINE void writeWeights(const Block<T>& b, const Row<T>& row, T max, T factor) {
  constexpr int L = LANES<T>;
  T* weights = b.weightsRow(row);
  const i64 first = least(row.first, row.end);
  __builtin_memset(weights, 0, first * sizeof(T));
  __builtin_memset(weights + row.end, 0, (b.p.keyLength - row.end) * sizeof(T));
  const T lowest = (T)-INF;
  for (i64 j = first; j < row.end; j += L) {
    const int count = (int)least(L, row.end - j);
    const Vector<T> score = count == L ? load(weights + j) : loadPart(weights + j, count);
    // 0 for keys that the row may not attend to, in rows that are not finite as well.
    const Vector<T> weight = select(score == lowest, zeros<T>(), exponential<T>(score - max) * factor);
    if (count == L) store(weights + j, weight);
    else storePart(weights + j, weight, count);
  }
}

// Adds the sink to row maximum and row sum. Minus infinity means no sink; plus infinity or NaN spoils rows that attend
// to anything. `factor` multiplies exponentials relative to the old maximum.
template <class T>
INLINE void joinSink(T sink, T& max, T& sum, T& factor) {
  if (sink == (T)-INF) return;
  if (!isFinite(sink)) {
    factor = sum == 0 ? 0 : (T)__builtin_nanf("");
    sum = (T)__builtin_nanf("");
    return;
  }
  const T larger = max > sink ? max : sink;
  const T share = exponentialOf<T>(max - larger);
  sum = sum * share + exponentialOf<T>(sink - larger);
  factor = share / sum;
  max = larger;
}

template <class T>
INLINE void finishRow(const Block<T>& b, Row<T>& row, T sum, const T* output) {
  const Problem& p = b.p;
  if (p.selection != Selection::softmax) writeChoice(b, row);
  if (!b.wants.softmax) return;
  T max = row.max;
  // A row that attends to nothing: its output, which is 0, stays so.
  T factor = sum == 0 ? 0 : 1 / sum;
  const T own = max;
  if (p.hasSinks) joinSink(b.template operand<const T>(Operand::sinks)[row.head], max, sum, factor);
  if (sum != sum) max = (T)__builtin_nanf("");
  if (p.wantsStatistics) {
    b.template operand<T>(Operand::rowMax)[row.place] = max;
    b.template operand<T>(Operand::rowSum)[row.place] = sum;
  }
  if (p.wantsLogSumExp)
    b.template operand<T>(Operand::logSumExp)[row.place] =
        sum == 0 ? (T)-INF : sum != sum ? sum : max + (T)logarithm((double)sum);
  if (p.selection != Selection::softmax) return;
  if (p.wantsWeights) writeWeights(b, row, own, factor);
  if (p.wantsOutput) writeScaled(output, factor, b.outputRow(row), p.valueDim);
}

}  // namespace
}  // namespace heed
