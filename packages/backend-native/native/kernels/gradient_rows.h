// Data of each row of a block for the gradient, beyond that for forward.
#pragma once
#include "finish.h"

namespace heed {
namespace {

struct GradientScratch {
  i64 rows, query, wideQuery, wideDOutput, chunk, dOutput, queryRows, dOutputRows, scores, dScores, slopes, dQuery, bytes;
};

template <class T>
INLINE GradientScratch gradientScratch(const Problem& p) {
  Region region;
  GradientScratch s;
  s.rows = region.take<Row<T>>(BLOCK_ROWS);
  s.query = region.take<T>(p.headDim * BLOCK_ROWS + LANES<T>);
  s.wideQuery = region.take<T>(p.format == Format::same ? 0 : p.headDim * BLOCK_ROWS);
  s.wideDOutput = region.take<T>(p.format == Format::same ? 0 : p.valueDim * BLOCK_ROWS);
  s.chunk = region.take<T>(chunkNumbers<T>(p));
  s.dOutput = region.take<T>(p.valueDim * BLOCK_ROWS + LANES<T>);
  s.queryRows = region.take<T>(paddedTo<T>(p.headDim) * BLOCK_ROWS);
  s.dOutputRows = region.take<T>(paddedTo<T>(p.valueDim) * BLOCK_ROWS);
  s.scores = region.take<T>((BLOCK_ROWS + ROWS) * GRADIENT_STRIDE);
  s.dScores = region.take<T>((BLOCK_ROWS + ROWS) * GRADIENT_STRIDE);
  s.slopes = region.take<T>(p.hasSoftcap ? GRADIENT_STRIDE : 0);
  s.dQuery = region.take<T>((BLOCK_ROWS + ROWS) * paddedTo<T>(p.headDim));
  s.bytes = region.bytes;
  return s;
}

template <class T>
INLINE T* panelRow(T* panels, i64 r) {
  return panels + r * PANEL<T>;
}

// Writes a row times the factor into panels that are BLOCK_ROWS rows long; 0 if there is none.
template <class T>
INLINE void packPanelRow(const T* from, i64 depth, T factor, T* to) {
  for (i64 d = 0; d < paddedTo<T>(depth); d += LANES<T>) {
    const Vector<T> v = from != nullptr && d < depth ? columnsOf(from, d, depth) * factor : zeros<T>();
    store(to + d / PANEL<T> * (BLOCK_ROWS * PANEL<T>) + d % PANEL<T>, v);
  }
}

// rowsum(dO O) in double, over the elements of the output that are not 0: the output gradient of an empty row reaches
// nothing.
template <class T>
INLINE double innerProduct(const T* output, const T* dOutput, i64 depth) {
  typedef T Given __attribute__((vector_size(8 * sizeof(T))));
  typedef double Doubles __attribute__((vector_size(64)));
  Doubles sums{};
  i64 d = 0;
  for (; d + 8 <= depth; d += 8) {
    Given o, g;
    __builtin_memcpy(&o, output + d, sizeof o);
    __builtin_memcpy(&g, dOutput + d, sizeof g);
    const Doubles wide = __builtin_convertvector(o, Doubles);
    sums += wide != 0 ? wide * __builtin_convertvector(g, Doubles) : Doubles{};
  }
  double sum = 0;
  for (int n = 0; n < 8; n++) sum += sums[n];
  for (; d < depth; d++) {
    if (output[d] != 0) sum += (double)output[d] * (double)dOutput[d];
  }
  return sum;
}

// An output of 16 bits is too coarse for the inner product: a pass over the keys computes rowsum(P dP) instead, which is
// the same (gradient.h).
INLINE bool sumsWeights(const Problem& p) { return p.format != Format::same; }

template <class T>
INLINE bool hasNaN(Format format, const void* row, i64 depth) {
  for (i64 d = 0; d < depth; d += LANES<T>) {
    const int count = (int)least(LANES<T>, depth - d);
    if (anyNaN<T>(loadAs<T>(format, elementOf<T>(format, (void*)row, d), count))) return true;
  }
  return false;
}

// `max` becomes the row maximum of forward, `inverse` that of the row sum, `mean` rowsum(dO O). Rows that something not
// finite reaches get harmless numbers: they are `bad`, and their scores NaN where they attend.
template <class T>
INLINE void openGradientRow(const Block<T>& b, Row<T>& row, const T* dOutput) {
  const Problem& p = b.p;
  T max = b.template operand<T>(Operand::rowMax)[row.place];
  const T sum = b.template operand<T>(Operand::rowSum)[row.place];
  row.total = sumsWeights(p) ? 0 : innerProduct((const T*)b.outputRow(row), dOutput, p.valueDim);
  // Forward made the statistics NaN for what the scores attend to, and the output for values. Infinity of 16 bits may be
  // a large number.
  const bool unknown = sumsWeights(p) ? hasNaN<T>(p.format, b.outputRow(row), p.valueDim) : !isFinite(row.total);
  const bool spoiled = !isFinite(max) || !isFinite(sum) || unknown;
  T inverse = 1 / sum;
  if (sum == 0) {
    max = 0;
    inverse = 0;
    row.total = 0;
  } else if (p.hasSinks) {
    const T sink = b.template operand<T>(Operand::sinks)[row.head];
    row.sinkShare = spoiled ? (T)__builtin_nanf("") : exponentialOf<T>(sink - max) * inverse;
  }
  row.empty = sum == 0;
  row.bad = row.bad || spoiled || !areFinite(dOutput, 0, 1, p.valueDim);
  row.max = row.bad ? 0 : max;
  row.inverse = row.bad ? 1 : inverse;
}

// Sets the mean of a row, whose total is known. Its share of the gradient of the sink is added to `sinkSums`, one number
// for each query head of the group.
template <class T>
INLINE void closeMean(const Block<T>& b, Row<T>& row, double* sinkSums) {
  const Problem& p = b.p;
  if (p.hasSinks && !row.empty && b.template operand<T>(Operand::sinks)[row.head] != (T)-INF)
    sinkSums[row.head % p.group] += (double)row.sinkShare * -row.total;
  row.mean = row.bad ? 0 : (T)row.total;
}

template <class T>
INLINE void openGradientRows(Block<T>& b, const GradientScratch& scratch, char* memory) {
  const Problem& p = b.p;
  T* queryRows = (T*)(memory + scratch.queryRows);
  T* dOutputRows = (T*)(memory + scratch.dOutputRows);
  T* dOutputs = (T*)(memory + scratch.dOutput);
  T* wideDOutput = (T*)(memory + scratch.wideDOutput);
  for (i64 r = 0; r < b.count; r += ROWS) {
    const i64 count = least(ROWS, b.count - r);
    const T* rows[ROWS];
    for (i64 n = 0; n < count; n++) {
      Row<T>& row = b.rows[r + n];
      const T* query = row.bad ? nullptr : row.query;
      const T* dOutput =
          numbersOfRow(p.format, b.rowOf(Operand::dOutput, p.output, row), p.valueDim, wideDOutput + (r + n) * p.valueDim);
      openGradientRow(b, row, dOutput);
      rows[n] = areFinite(dOutput, 0, 1, p.valueDim) ? dOutput : nullptr;
      packPanelRow<T>(query, p.headDim, (T)p.scale, panelRow(queryRows, r + n));
      packPanelRow<T>(rows[n], p.valueDim, 1, panelRow(dOutputRows, r + n));
    }
    packInterleaved<T>(rows, count, p.valueDim, 1, dOutputs + r * p.valueDim);
  }
}

}  // namespace
}  // namespace heed
