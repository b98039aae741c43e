// y = f(x W^T + b). W is packed once, in panels (multiply.h); a task is a block of 96 rows and 8 panels of columns, or 4 where that would
// be too few tasks.
//
// 512 steps of a panel are worked on together: 8 panels of them, 512 KB of float32 at AVX-512, stay in the second-level
// cache while row groups pass, each copied (25 KB): rows of a power of two would share cache sets where they are (Goto and
// van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 2008, section 4). Copies whose rows are interleaved
// took 2% more of a batch of MiniLM. A copy serves all panels of a task: with 4 instead of 8, the batch took 4% more, a step of
// training 8%; with 12, or with twice or four times the rows in a task, all took the same. Processors without AVX-512 may have
// 256 KB of that cache, which 4 of their panels fill by half.
//
// A sum has one chain of multiply-adds in the order of the steps, whichever tile computes it: the bits of a row do not depend
// on the others. A single row, as in decoding, is bound by memory: 4 panels at a time are read, once, from beginning to end.
#pragma once
#include "activation.h"
#include "pack.h"
#include "stored.h"

namespace heed {
namespace {

#if defined(HEED_AVX512)
constexpr i64 LINEAR_PANELS = 8;
#else
constexpr i64 LINEAR_PANELS = 4;
#endif
constexpr i64 LINEAR_ROWS = 96, LINEAR_STEPS = 512, FEW_PANELS = 4;
// Elements from one copied row to the next. Not a power of two, or the rows would share cache sets.
template <class T>
constexpr i64 ROW_STEP = LINEAR_STEPS + 64 / (i64)sizeof(T);
// The most columns of a task.
template <class T>
constexpr i64 LINEAR_COLUMNS = LINEAR_PANELS * PANEL<T>;

// Sums of a row: with a gate, whole panels of both halves.
template <class T>
INLINE i64 sumsOf(const Linear& linear) {
  return linear.gated ? 2 * roundUp(linear.outputs, PANEL<T>) : linear.outputs;
}

// Columns of a task, where there are so many in all and so many blocks of rows.
template <class T>
INLINE i64 columnsOfTask(i64 columns, i64 rowBlocks) {
  return ceilDivide(columns, LINEAR_COLUMNS<T>) * rowBlocks >= 4 ? LINEAR_COLUMNS<T> : FEW_PANELS * PANEL<T>;
}

// The same for a product; a single row waits for memory, on as many threads as there are.
template <class T>
INLINE i64 columnsOfTask(const Linear& linear) {
  if (linear.rows <= LINEAR_ROWS) return FEW_PANELS * PANEL<T>;
  return columnsOfTask<T>(sumsOf<T>(linear), ceilDivide(linear.rows, LINEAR_ROWS));
}

template <class T>
static Plan planLinear(const Linear& linear) {
  Plan plan{};
  const i64 columns = ceilDivide(sumsOf<T>(linear), columnsOfTask<T>(linear));
  plan.blocks = columns;
  plan.blockRows = LINEAR_ROWS;
  plan.tasks = columns * ceilDivide(linear.rows, LINEAR_ROWS);
  const bool isStored = linear.weight != Weight::same;
  const i64 decoded = isStored && linear.rows > STORED_ROWS ? LINEAR_STEPS * LINEAR_COLUMNS<T> : 0;
  plan.threadBytes = (LINEAR_ROWS * LINEAR_COLUMNS<T> + ROWS * ROW_STEP<T> + decoded) * (i64)sizeof(T);
  // The products, 4 a nanosecond and lane, or memory at 50 GB/s, whichever is more; for few rows, decoding as much again.
  const double numbers = (double)linear.inputs * (double)sumsOf<T>(linear), rate = 4000.0 * LANES<T>;
  const double products = (double)(linear.rows + isStored) / rate, memory = isStored ? 1 / 50000.0 : sizeof(T) / 50000.0;
  plan.microseconds = numbers * (products > memory ? products : memory);
  return plan;
}

// `count` rows of the input, ROW_STEP apart; 0 in missing rows.
template <class T>
INLINE void copyRows(const T* from, i64 row, i64 count, i64 steps, T* to) {
  constexpr int L = LANES<T>;
  for (i64 r = 0; r < ROWS; r++, from += row, to += ROW_STEP<T>)
    for (i64 k = 0; k < steps; k += L) store(to + k, r < count ? columnsOf(from, k, steps) : zeros<T>());
}

template <class T, int R, i64 aRow, i64 aStep, bool ahead = false>
static __attribute__((noinline)) void multiplyPanels(const T* a, const T* b, i64 panelStep, i64 panels, T* c, i64 steps,
                                                     bool begins) {
  constexpr i64 cRow = LINEAR_COLUMNS<T>;
  for (i64 n = 0; n < panels; n++, b += panelStep, c += PANEL<T>) {
    if (begins) multiplyTile<T, R, 2, Begin::zero, ahead>(a, {aRow, aStep}, b, PANEL<T>, c, cRow, steps, nullptr);
    else multiplyTile<T, R, 2, Begin::sum, ahead>(a, {aRow, aStep}, b, PANEL<T>, c, cRow, steps, nullptr);
  }
}

// The same for 1 ... ROWS rows.
template <class T, i64 aRow, i64 aStep, bool ahead = false>
INLINE void multiplyGroup(i64 rows, const T* a, const T* b, i64 panelStep, i64 panels, T* c, i64 steps, bool begins) {
  constexpr int third = ROWS >= 6 ? ROWS / 3 : ROWS / 2;
  if (rows > 2 * third) multiplyPanels<T, ROWS, aRow, aStep, ahead>(a, b, panelStep, panels, c, steps, begins);
  else if (rows > third) multiplyPanels<T, 2 * third, aRow, aStep, ahead>(a, b, panelStep, panels, c, steps, begins);
  else multiplyPanels<T, third, aRow, aStep, ahead>(a, b, panelStep, panels, c, steps, begins);
}

// One row and P panels, from the first step to the last: 2 P chains.
template <class T, int P>
INLINE void multiplyRow(const T* a, const T* b, i64 panelStep, T* c, i64 steps) {
  constexpr int L = LANES<T>;
  Vector<T> sums[P][2] = {};
  for (i64 k = 0; k < steps; k++) {
    const Vector<T> x = splat<T>(a[k]);
#pragma GCC unroll 4
    for (int n = 0; n < P; n++) {
      const T* at = b + n * panelStep + k * PANEL<T>;
      sums[n][0] = multiplyAdd(x, load(at), sums[n][0]);
      sums[n][1] = multiplyAdd(x, load(at + L), sums[n][1]);
    }
  }
#pragma GCC unroll 4
  for (int n = 0; n < P; n++) {
    store(c + n * PANEL<T>, sums[n][0]);
    store(c + n * PANEL<T> + L, sums[n][1]);
  }
}

// f(sum + bias) + residual, beside the argument of f where it is kept, or dOutput f'(sum + bias). Rows that had no influence may hold NaN, and have a dOutput of 0.
template <class T, Activation activation>
static void finishLinear(const Linear& linear, const T* sums, i64 firstRow, i64 count, i64 firstColumn, i64 end) {
  constexpr int L = LANES<T>;
  const T* bias = (const T*)linear.bias;
  const T* dOutput = (const T*)linear.dOutput;
  const T* residual = (const T*)linear.residual;
  T* output = (T*)linear.output;
  T* argument = (T*)linear.argument;
  for (i64 r = 0; r < count; r++) {
    const i64 row = (firstRow + r) * linear.outputs;
    T* to = output + row;
    for (i64 n = firstColumn; n < end; n += L) {
      const int lanes = (int)least(L, end - n);
      Vector<T> x = load(sums + r * LINEAR_COLUMNS<T> + n - firstColumn);
      if (bias != nullptr) x += lanes == L ? load(bias + n) : loadPart(bias + n, lanes);
      if (dOutput != nullptr) {
        const T* from = dOutput + row + n;
        const Vector<T> d = lanes == L ? load(from) : loadPart(from, lanes);
        x = select(d == 0, zeros<T>(), d * slope<T, activation>(x));
      } else {
        if (argument != nullptr) {
          if (lanes == L) store(argument + row + n, x);
          else storePart(argument + row + n, x, lanes);
        }
        x = activated<T, activation>(x);
        if (residual != nullptr) x += lanes == L ? load(residual + row + n) : loadPart(residual + row + n, lanes);
      }
      if (lanes == L) store(to + n, x);
      else storePart(to + n, x, lanes);
    }
  }
}

// f(gate) * up + residual, of sums in pairs of panels; or the gradients of both, dOutput up f'(gate) and dOutput f(gate).
template <class T, Activation activation>
static void finishGated(const Linear& linear, const T* sums, i64 firstRow, i64 count, i64 firstColumn, i64 end) {
  constexpr int L = LANES<T>, W = PANEL<T>;
  const T* bias = (const T*)linear.bias;
  const i64 outputs = linear.outputs;
  for (i64 r = 0; r < count; r++, sums += LINEAR_COLUMNS<T>) {
    const i64 row = (firstRow + r) * outputs;
    const T* dOutput = linear.dOutput == nullptr ? nullptr : (const T*)linear.dOutput + row;
    const T* residual = linear.residual == nullptr ? nullptr : (const T*)linear.residual + row;
    T* to = (T*)linear.output + (dOutput == nullptr ? row : 2 * row);
    T* argument = linear.argument == nullptr ? nullptr : (T*)linear.argument + 2 * row;
    for (i64 pair = firstColumn; pair < end; pair += 2 * W) {
      for (i64 lane = 0; lane < W; lane += L) {
        const i64 n = pair / 2 + lane;
        const int lanes = (int)least(L, outputs - n);
        if (lanes <= 0) break;
        const auto part = [&](const T* from) __attribute__((always_inline)) {
          return lanes == L ? load(from + n) : loadPart(from + n, lanes);
        };
        const auto write = [&](T* there, Vector<T> x) __attribute__((always_inline)) {
          if (lanes == L) store(there + n, x);
          else storePart(there + n, x, lanes);
        };
        Vector<T> gate = load(sums + pair - firstColumn + lane), up = load(sums + pair - firstColumn + W + lane);
        if (bias != nullptr) {
          gate += part(bias);
          up += part(bias + outputs);
        }
        if (dOutput != nullptr) {
          const Vector<T> d = part(dOutput);
          const auto without = d == 0;
          write(to, select(without, zeros<T>(), d * up * slope<T, activation>(gate)));
          write(to + outputs, select(without, zeros<T>(), d * activated<T, activation>(gate)));
          continue;
        }
        if (argument != nullptr) {
          write(argument, gate);
          write(argument + outputs, up);
        }
        const Vector<T> x = activated<T, activation>(gate) * up;
        write(to, residual == nullptr ? x : x + part(residual));
      }
    }
  }
}

template <class T>
static void linearTask(const Run& run, i64 task, char* scratch) {
  const Linear& linear = *run.linear;
  const i64 columns = run.plan->blocks, inputs = linear.inputs;
  const i64 width = columnsOfTask<T>(linear);
  const i64 firstColumn = task % columns * width, firstRow = task / columns * LINEAR_ROWS;
  const i64 count = least(LINEAR_ROWS, linear.rows - firstRow);
  const i64 endColumn = least(sumsOf<T>(linear), firstColumn + width);
  const i64 panels = ceilDivide(endColumn - firstColumn, PANEL<T>);
  const T* input = (const T*)linear.input + firstRow * inputs;
  const bool isStored = sizeof(T) == 4 && linear.weight != Weight::same;
  const T* weight = (const T*)linear.panels + (isStored ? 0 : firstColumn * inputs);
  const i64 storedStep = panelBytes(linear.weight, inputs);
  const char* stored = (const char*)linear.panels + firstColumn / PANEL<T> * storedStep;
  T* sums = (T*)scratch;
  T* rows = sums + LINEAR_ROWS * LINEAR_COLUMNS<T>;
  if (isStored && count <= STORED_ROWS) {
    storedKernels(linear.weight)
        .multiply((const float*)input, inputs, count, stored, storedStep, panels, (float*)sums, LINEAR_COLUMNS<T>, inputs);
  } else if (count == 1) {
    const i64 panelStep = inputs * PANEL<T>;
    if (panels == FEW_PANELS) multiplyRow<T, 4>(input, weight, panelStep, sums, inputs);
    else
      for (i64 n = 0; n < panels; n++) multiplyRow<T, 1>(input, weight + n * panelStep, panelStep, sums + n * PANEL<T>, inputs);
  } else {
    for (i64 first = 0; first < inputs; first += LINEAR_STEPS) {
      const i64 steps = least(LINEAR_STEPS, inputs - first);
      const T* b = weight + first * PANEL<T>;
      if (isStored) {
        T* decoded = rows + ROWS * ROW_STEP<T>;
        storedKernels(linear.weight)
            .decode(stored + panelBytes(linear.weight, first), storedStep, panels, steps, (float*)decoded);
        b = decoded;
      }
      const i64 panelStep = (isStored ? steps : inputs) * PANEL<T>;
      for (i64 r = 0; r < count; r += ROWS) {
        const i64 group = least(ROWS, count - r);
        copyRows(input + r * inputs + first, inputs, group, steps, rows);
        T* c = sums + r * LINEAR_COLUMNS<T>;
        const bool isFirst = r == 0 && !isStored;
        if (isFirst) multiplyGroup<T, ROW_STEP<T>, 1, true>(group, rows, b, panelStep, panels, c, steps, first == 0);
        else multiplyGroup<T, ROW_STEP<T>, 1>(group, rows, b, panelStep, panels, c, steps, first == 0);
      }
    }
  }
  const auto finish = [&](auto gated, auto plain) {
    (linear.gated ? gated : plain)(linear, sums, firstRow, count, firstColumn, endColumn);
  };
  switch (linear.activation) {
    case Activation::none: return finish(finishGated<T, Activation::none>, finishLinear<T, Activation::none>);
    case Activation::relu: return finish(finishGated<T, Activation::relu>, finishLinear<T, Activation::relu>);
    case Activation::gelu: return finish(finishGated<T, Activation::gelu>, finishLinear<T, Activation::gelu>);
    case Activation::geluTanh: return finish(finishGated<T, Activation::geluTanh>, finishLinear<T, Activation::geluTanh>);
    case Activation::silu: return finish(finishGated<T, Activation::silu>, finishLinear<T, Activation::silu>);
    case Activation::sigmoid: return finish(finishGated<T, Activation::sigmoid>, finishLinear<T, Activation::sigmoid>);
  }
}

// Panels of a weight's rows, W of them side by side, `step` panels from one to the next, or of its columns; 0 past the last.
template <class T>
static void packLinear(i64 outputs, i64 inputs, bool ofColumns, i64 step, const void* given, void* panels) {
  constexpr int L = LANES<T>, W = PANEL<T>;
  const T* from = (const T*)given;
  T* to = (T*)panels;
  if (!ofColumns) {
    for (i64 n = 0; n < roundUp(outputs, W); n += L)
      packColumns<T>(from + least(n, outputs) * inputs, inputs, greatest(0, least(L, outputs - n)), inputs, 1, 0,
                     to + step * roundDown(n, W) * inputs + n % W, W);
    return;
  }
  // A panel at a time is written, from beginning to end.
  for (i64 n = 0; n < inputs; n += W, to += outputs * W) {
    for (i64 k = 0; k < outputs; k++) {
      const T* row = from + k * inputs;
      store(to + k * W, columnsOf(row, n, inputs));
      store(to + k * W + L, n + L < inputs ? columnsOf(row, n + L, inputs) : zeros<T>());
    }
  }
}

}  // namespace
}  // namespace heed
