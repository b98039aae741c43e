// Ends the softmax of a block's rows: adds the sink, and writes statistics and outputs.
#pragma once
#include "exponential.h"
#include "selection.h"

namespace heed {
namespace {

// Until row maximum and row sum are known, the output `weights` keeps the scores: reading them again costs less than
// computing them again. Weights of 16 bits cannot: the thread's scratch keeps the scores of their block.
template <class T>
INLINE T* keptScores(const Block<T>& b, const Row<T>& row) {
  return b.p.format == Format::same ? (T*)b.weightsRow(row) : b.kept + (&row - b.rows) * b.p.keyLength;
}

template <class T>
INLINE void keepScores(const Block<T>& b, const Row<T>& row, const T* scores) {
  const i64 end = least(b.to, b.p.keyLength - b.tile);
  if (b.from < end)
    __builtin_memcpy(keptScores(b, row) + b.tile + b.from, scores + b.from, (end - b.from) * sizeof(T));
}

template <class T>
INLINE void writeWeights(const Block<T>& b, const Row<T>& row, T max, T factor) {
  constexpr int L = LANES<T>;
  const Format format = b.p.format;
  const T* scores = keptScores(b, row);
  void* weights = b.weightsRow(row);
  const i64 first = least(row.first, row.end), bytes = bytesOf<T>(format);
  __builtin_memset(weights, 0, first * bytes);
  __builtin_memset((char*)weights + row.end * bytes, 0, (b.p.keyLength - row.end) * bytes);
  const T lowest = (T)-INF;
  for (i64 j = first; j < row.end; j += L) {
    const int count = (int)least(L, row.end - j);
    const Vector<T> score = count == L ? load(scores + j) : loadPart(scores + j, count);
    // 0 for keys that the row may not attend to, in rows that are not finite as well.
    const Vector<T> weight = select(score == lowest, zeros<T>(), exponential<T>(score - max) * factor);
    storeAs<T>(format, elementOf<T>(format, weights, j), weight, count);
  }
  __builtin_memset((char*)weights + row.gap * bytes, 0, (row.gapEnd - row.gap) * bytes);
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
  if (p.wantsOutput) writeScaled(output, factor, p.format, b.outputRow(row), p.valueDim);
}

// Ends all rows of the block. Sums of as many rows as a vector has lanes are added across lanes together, and where the output
// is all there is, their reciprocals are one division.
template <class T>
INLINE void finishRows(Block<T>& b) {
  constexpr int L = LANES<T>;
  const Problem& p = b.p;
  const i64 stride = paddedTo<T>(p.valueDim);
  const bool plain = b.wants.values && !p.hasSinks && !p.wantsStatistics && !p.wantsLogSumExp && !p.wantsWeights;
  for (i64 first = 0; first < b.count; first += L) {
    const int here = (int)least(L, b.count - first);
    Vector<T> parts[L];
    for (int n = 0; n < L; n++) parts[n] = n < here ? load(b.sums + (first + n) * L) : zeros<T>();
    const Vector<T> sums = sumsOf<T>(parts);
    const Vector<T> factors = select(sums == 0, zeros<T>(), 1 / sums);
    for (int n = 0; n < here; n++) {
      Row<T>& row = b.rows[first + n];
      const T* output = b.output + (first + n) * stride;
      if (plain) writeScaled(output, factors[n], p.format, b.outputRow(row), p.valueDim);
      else finishRow(b, row, sums[n], output);
    }
  }
}

}  // namespace
}  // namespace heed
