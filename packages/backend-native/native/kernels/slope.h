// The gradient of the argument of an activation and gate that a run has kept: SPEC.md, clause linear. A task is a block of rows.
#pragma once
#include "activation.h"
#include "tiling.h"

namespace heed {
namespace {

constexpr i64 SLOPE_NUMBERS = 1 << 13;

INLINE i64 slopeRows(const Slope& slope) {
  return greatest(1, SLOPE_NUMBERS / slope.outputs);
}

template <class T>
static Plan planSlope(const Slope& slope) {
  Plan plan{};
  plan.tasks = ceilDivide(slope.rows, slopeRows(slope));
  // An exponential or two for each number; three or five numbers of memory.
  plan.microseconds = (double)(slope.rows * slope.outputs) * (slope.gated ? 2 : 1) * sizeof(T) / 8000;
  return plan;
}

// dOutput f'(z); with a gate dOutput up f'(z) and dOutput f(z), `outputs` apart. Rows that had no influence may hold NaN, and have a
// dOutput of 0.
template <class T, Activation activation>
static void slopeOfRows(const Slope& given, i64 firstRow, i64 endRow) {
  constexpr int L = LANES<T>;
  const i64 outputs = given.outputs, step = given.gated ? 2 * outputs : outputs;
  for (i64 row = firstRow; row < endRow; row++) {
    const T *z = (const T*)given.argument + row * step, *dOutput = (const T*)given.dOutput + row * outputs;
    T* to = (T*)given.output + row * step;
    for (i64 n = 0; n < outputs; n += L) {
      const int lanes = (int)least(L, outputs - n);
      const auto part = [&](const T* from) __attribute__((always_inline)) {
        return lanes == L ? load(from + n) : loadPart(from + n, lanes);
      };
      const auto write = [&](T* there, Vector<T> x) __attribute__((always_inline)) {
        if (lanes == L) store(there + n, x);
        else storePart(there + n, x, lanes);
      };
      const Vector<T> d = part(dOutput), x = part(z);
      const auto without = d == 0;
      if (!given.gated) {
        write(to, select(without, zeros<T>(), d * slope<T, activation>(x)));
        continue;
      }
      write(to, select(without, zeros<T>(), d * part(z + outputs) * slope<T, activation>(x)));
      write(to + outputs, select(without, zeros<T>(), d * activated<T, activation>(x)));
    }
  }
}

template <class T>
static void slopeTask(const Run& run, i64 task, char*) {
  if (__atomic_load_n(run.stop, __ATOMIC_RELAXED) != 0) return;
  const Slope& slope = *run.slope;
  const i64 first = task * slopeRows(slope), end = least(slope.rows, first + slopeRows(slope));
  switch (slope.activation) {
    case Activation::none: return slopeOfRows<T, Activation::none>(slope, first, end);
    case Activation::relu: return slopeOfRows<T, Activation::relu>(slope, first, end);
    case Activation::gelu: return slopeOfRows<T, Activation::gelu>(slope, first, end);
    case Activation::geluTanh: return slopeOfRows<T, Activation::geluTanh>(slope, first, end);
    case Activation::silu: return slopeOfRows<T, Activation::silu>(slope, first, end);
    case Activation::sigmoid: return slopeOfRows<T, Activation::sigmoid>(slope, first, end);
  }
}

}  // namespace
}  // namespace heed
