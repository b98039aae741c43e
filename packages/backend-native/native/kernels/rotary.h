// Rotary position embeddings: SPEC.md, clause rotary. A task is a block of positions, each with all of its heads, which share the angles.
// Every operation is rounded, none fused: all levels give the same bits.
#pragma once
#include "tiling.h"

namespace heed {
namespace {

constexpr i64 ROTARY_NUMBERS = 1 << 14;

INLINE i64 positionsOfTask(const Rotary& rotary) {
  return greatest(1, ROTARY_NUMBERS / greatest(1, rotary.heads * rotary.width));
}

template <class T>
static Plan planRotary(const Rotary& rotary) {
  Plan plan{};
  plan.tasks = rotary.heads == 0 ? 0 : ceilDivide(rotary.positions, positionsOfTask(rotary));
  plan.threadBytes = rotary.angles * (i64)sizeof(T);
  // A number is read and written once: 12 GB/s.
  plan.microseconds = (double)(rotary.positions * rotary.heads * rotary.width) * sizeof(T) / 6000;
  return plan;
}

// y_a = a c - b s, y_b = a s + b c.
template <class T>
INLINE void rotateHalves(const T* __restrict x, const T* __restrict c, const T* __restrict s, T* __restrict y, i64 angles) {
  for (i64 n = 0; n < angles; n++) {
    const T a = x[n], b = x[n + angles];
    y[n] = a * c[n] - b * s[n];
    y[n + angles] = a * s[n] + b * c[n];
  }
}

template <class T>
INLINE void rotateNeighbors(const T* __restrict x, const T* __restrict c, const T* __restrict s, T* __restrict y, i64 angles) {
  for (i64 n = 0; n < angles; n++) {
    const T a = x[2 * n], b = x[2 * n + 1];
    y[2 * n] = a * c[n] - b * s[n];
    y[2 * n + 1] = a * s[n] + b * c[n];
  }
}

// The scratch of a thread holds the sines of a position, of the other sign where a gradient is rotated back.
template <class T>
static void rotaryTask(const Run& run, i64 task, char* scratch) {
  if (__atomic_load_n(run.stop, __ATOMIC_RELAXED) != 0) return;
  const Rotary& rotary = *run.rotary;
  const i64 angles = rotary.angles, width = rotary.width, rest = width - 2 * angles;
  const i64 first = task * positionsOfTask(rotary), end = least(rotary.positions, first + positionsOfTask(rotary));
  const T* x = (const T*)rotary.input + first * rotary.heads * width;
  T* y = (T*)rotary.output + first * rotary.heads * width;
  for (i64 position = first; position < end; position++) {
    const i64 row = (rotary.perBatch ? position : position % rotary.length) * angles;
    const T* cosines = (const T*)rotary.cosines + row;
    const T* sines = (const T*)rotary.sines + row;
    if (rotary.back) {
      T* turned = (T*)scratch;
      for (i64 n = 0; n < angles; n++) turned[n] = -sines[n];
      sines = turned;
    }
    for (i64 h = 0; h < rotary.heads; h++, x += width, y += width) {
      if (rotary.interleaved) rotateNeighbors(x, cosines, sines, y, angles);
      else rotateHalves(x, cosines, sines, y, angles);
      if (rest > 0) __builtin_memcpy(y + 2 * angles, x + 2 * angles, (size_t)rest * sizeof(T));
    }
  }
}

}  // namespace
}  // namespace heed
