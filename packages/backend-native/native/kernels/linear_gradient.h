// Gradients of a linear projection's weight and bias, dW = dZ^T X and db = sum of dZ, with dZ the gradient of the activation's
// argument. (That of the input, dZ W, is the forward product with panels of the weight's columns.)
//
// A task is a block of up to 192 rows and 8 panels of columns of dW, or 4 as in linear.h; the sum runs over the rows of dZ and X, in their order, 512 at a
// time. X's rows are copied into panels once for the whole block, dZ's columns are interleaved for each row group: both are
// contiguous runs of a row, so nothing is transposed. The block's sums, 192 KB of float32 at AVX-512, and the panels, 512 KB,
// stay in the second-level cache. Blocks have about as many rows, so that threads end together.
//
// A row of dZ that is 0 had no influence: what X holds there does not reach the sum. X is rarely anything but finite, so the
// panels are tested as a whole, and row by row only where that fails.
#pragma once
#include "linear.h"

namespace heed {
namespace {

constexpr i64 GRADIENT_ROWS = 192;
// Elements from one row group's sums of a bias to the next.
template <class T>
constexpr i64 BIAS_STEP = (ROWS + LANES<T> - 1) / LANES<T> * LANES<T>;

template <class T>
INLINE i64 gradientColumns(const Linear& linear) {
  return columnsOfTask<T>(linear.inputs, ceilDivide(linear.outputs, GRADIENT_ROWS));
}

template <class T>
static Plan planWeightGradient(const Linear& linear) {
  Plan plan{};
  plan.blocks = ceilDivide(linear.inputs, gradientColumns<T>(linear));
  const i64 rowBlocks = ceilDivide(linear.outputs, GRADIENT_ROWS);
  plan.blockRows = roundUp(ceilDivide(linear.outputs, greatest(1, rowBlocks)), ROWS);
  // Without rows all gradients are 0, as new results are.
  plan.tasks = linear.rows == 0 ? 0 : plan.blocks * ceilDivide(linear.outputs, greatest(1, plan.blockRows));
  const i64 interleaved = ROWS * LINEAR_STEPS + LANES<T>, sums = GRADIENT_ROWS / ROWS * BIAS_STEP<T>;
  plan.threadBytes = ((GRADIENT_ROWS + LINEAR_STEPS) * LINEAR_COLUMNS<T> + interleaved + sums) * (i64)sizeof(T);
  plan.microseconds = (double)linear.rows * (double)linear.inputs * (double)linear.outputs / (4000.0 * LANES<T>);
  return plan;
}

template <class T>
INLINE bool isZero(const T* row, i64 length) {
  for (i64 n = 0; n < length; n++)
    if (row[n] != 0) return false;
  return true;
}

// Columns of `steps` rows as panels, `steps` of them one after another in each; 0 past the last column.
template <class T>
INLINE void packSteps(const Linear& linear, i64 firstStep, i64 steps, i64 firstColumn, i64 panels, T* to) {
  constexpr int L = LANES<T>, W = PANEL<T>;
  const i64 inputs = linear.inputs;
  const T* from = (const T*)linear.input + firstStep * inputs;
  Vector<T> trace = {};
  for (i64 k = 0; k < steps; k++, from += inputs) {
    for (i64 n = 0; n < panels * 2; n++) {
      const i64 column = firstColumn + n * L;
      const Vector<T> x = column < inputs ? columnsOf(from, column, inputs) : zeros<T>();
      trace += x * (T)0;
      store(to + n / 2 * steps * W + k * W + n % 2 * L, x);
    }
  }
  if (!anyNaN<T>(trace)) return;
  for (i64 k = 0; k < steps; k++) {
    if (!isZero((const T*)linear.dOutput + (firstStep + k) * linear.outputs, linear.outputs)) continue;
    for (i64 n = 0; n < panels * 2; n++) store(to + n / 2 * steps * W + k * W + n % 2 * L, zeros<T>());
  }
}

// ROWS columns of `steps` rows, side by side. Numbers past the last column are any.
template <class T>
INLINE void interleaveColumns(const T* from, i64 row, i64 count, i64 steps, T* to) {
  constexpr int L = LANES<T>;
  for (i64 k = 0; k < steps; k++, from += row, to += ROWS) {
    // What a vector writes behind its columns is overwritten by the next.
    for (i64 r = 0; r < ROWS; r += L) {
      const i64 here = count - r;
      store(to + r, here >= L ? load(from + r) : here > 0 ? loadPart(from + r, (int)here) : zeros<T>());
    }
  }
}

template <class T>
static void weightGradientTask(const Run& run, i64 task, char* scratch) {
  constexpr int L = LANES<T>;
  const Linear& linear = *run.linear;
  const i64 columns = run.plan->blocks, inputs = linear.inputs, outputs = linear.outputs;
  const i64 width = gradientColumns<T>(linear), blockRows = run.plan->blockRows;
  const i64 firstColumn = task % columns * width, firstRow = task / columns * blockRows;
  const i64 count = least(blockRows, outputs - firstRow), endColumn = least(inputs, firstColumn + width);
  const i64 panels = ceilDivide(endColumn - firstColumn, PANEL<T>);
  const T* dZ = (const T*)linear.dOutput + firstRow;
  T* sums = (T*)scratch;
  T* packed = sums + GRADIENT_ROWS * LINEAR_COLUMNS<T>;
  T* rows = packed + LINEAR_STEPS * LINEAR_COLUMNS<T>;
  T* biasSums = rows + ROWS * LINEAR_STEPS + L;
  T* dBias = firstColumn == 0 ? (T*)linear.dBias : nullptr;
  for (i64 first = 0; first < linear.rows; first += LINEAR_STEPS) {
    if (__atomic_load_n(run.stop, __ATOMIC_RELAXED) != 0) return;
    const i64 steps = least(LINEAR_STEPS, linear.rows - first);
    packSteps(linear, first, steps, firstColumn, panels, packed);
    for (i64 r = 0; r < count; r += ROWS) {
      const i64 group = least(ROWS, count - r), panelStep = steps * PANEL<T>;
      interleaveColumns(dZ + first * outputs + r, outputs, outputs - firstRow - r, steps, rows);
      T* c = sums + r * LINEAR_COLUMNS<T>;
      multiplyGroup<T, 1, ROWS>(group, rows, packed, panelStep, panels, c, steps, first == 0);
      if (dBias == nullptr) continue;
      for (i64 n = 0; n < ROWS; n += L) {
        Vector<T> sum = {};
        for (i64 k = 0; k < steps; k++) sum += load(rows + k * ROWS + n);
        T* to = biasSums + r / ROWS * BIAS_STEP<T> + n;
        store(to, first == 0 ? sum : load(to) + sum);
      }
    }
  }
  T* to = (T*)linear.output + firstRow * inputs;
  for (i64 r = 0; r < count; r++) {
    for (i64 n = firstColumn; n < endColumn; n += L) {
      const Vector<T> x = load(sums + r * LINEAR_COLUMNS<T> + n - firstColumn);
      if (n + L <= inputs) store(to + r * inputs + n, x);
      else storePart(to + r * inputs + n, x, (int)(inputs - n));
    }
  }
  for (i64 r = 0; dBias != nullptr && r < count; r++) dBias[firstRow + r] = biasSums[r / ROWS * BIAS_STEP<T> + r % ROWS];
}

}  // namespace
}  // namespace heed
