// Norms of rows and their gradients. They wait for memory, not for arithmetic: a row is read from there once, and again from
// the first-level cache. Sums along a row are in float64, so that squares of large numbers do not
// overflow.
//
// A task is a block of rows, whose number depends on the width alone. dWeight and dBias are sums over all rows: each block sums its
// own, and the last one to end sums over the blocks in their order, so that threads change no bit.
#pragma once
#include "block.h"
#include "linear_gradient.h"

namespace heed {
namespace {

// Numbers of a block: enough to be worth another thread, few enough for several. Fewer rows would make sums of blocks more to
// read than the rows; a long sum of small numbers would lose them.
constexpr i64 BLOCK_NUMBERS = 1 << 14, ROWS_MINIMUM = 8, ROWS_MAXIMUM = 64;

// Elements of a block's sums of dWeight, and of those of dBias: whole vectors.
template <class T>
INLINE i64 sumsWidth(const Norm& norm) {
  return roundUp(norm.width, LANES<T>);
}

template <class T>
static Plan planNorm(const Norm& norm) {
  Plan plan{};
  const bool isGradient = norm.dOutput != nullptr;
  plan.blockRows = least(ROWS_MAXIMUM, greatest(ROWS_MINIMUM, BLOCK_NUMBERS / norm.width));
  plan.tasks = ceilDivide(norm.rows, plan.blockRows);
  if (isGradient) {
    plan.clearedBytes = 64;
    plan.sharedBytes = plan.clearedBytes + plan.tasks * 2 * sumsWidth<T>(norm) * (i64)sizeof(T);
  }
  // A vector of numbers takes a thread 2.5 ns, of a gradient 7, from the second-level cache (AMD EPYC, Zen 5).
  plan.microseconds = (double)(norm.rows * norm.width) * (isGradient ? 7 : 2.5) / (1000.0 * LANES<T>);
  return plan;
}

// Visits the vectors of a row: a place, and the number of its lanes that are in the row.
template <class T, class Visit>
INLINE void eachVector(i64 width, Visit visit) {
  constexpr int L = LANES<T>;
  i64 n = 0;
  for (; n + L <= width; n += L) visit(n, L);
  if (n < width) visit(n, (int)(width - n));
}
template <class T>
INLINE Vector<T> loadLanes(const T* from, int count) {
  return count == LANES<T> ? load(from) : loadPart(from, count);
}
template <class T>
INLINE void storeLanes(T* to, Vector<T> v, int count) {
  if (count == LANES<T>) store(to, v);
  else storePart(to, v, count);
}

typedef float HALF_F32 __attribute__((vector_size(VECTOR_BYTES / 2)));
// As many numbers as a vector has in float64.
INLINE F64 loadDoubles(const float* from) {
  HALF_F32 half;
  __builtin_memcpy(&half, from, sizeof half);
  return __builtin_convertvector(half, F64);
}
INLINE F64 loadDoubles(const double* from) { return load(from); }

// Sums of the lanes of vectors, in float64.
template <class T>
struct Doubles {
  F64 even = {}, odd = {};
};
INLINE void add(Doubles<float>& sums, F32 x) {
  HALF_F32 halves[2];
  __builtin_memcpy(halves, &x, sizeof x);
  sums.even += __builtin_convertvector(halves[0], F64);
  sums.odd += __builtin_convertvector(halves[1], F64);
}
INLINE void add(Doubles<double>& sums, F64 x) { sums.even += x; }
template <class T>
INLINE double sumOf(const Doubles<T>& sums) {
  return sumOf<double>(sums.even + sums.odd);
}

// Mean of a row, 0 for a norm without one, in two parts whose sum is more exact than one; and 1 / sqrt(v + epsilon).
template <class T>
struct Moments {
  T mean, rest, inverse;
};

// The sums of x - shift and of its squares, with the first number of the row as shift: its distance from the mean is at most sqrt(width)
// deviations, and so the difference of squares loses less than width * 2^-53 of v (Chan, Golub and LeVeque, "Algorithms for computing the
// sample variance", The American Statistician 1983). Numbers of float64 are centered by their mean first.
template <class T>
INLINE Moments<T> momentsOf(const Norm& norm, const T* x) {
  constexpr i64 L = LANES<double>;
  const i64 width = norm.width, whole = roundDown(width, 2 * L);
  double shift = norm.centered ? (double)x[0] : 0;
  const auto sumsFrom = [&](double& sum, double& squares) __attribute__((always_inline)) {
    F64 s[2] = {}, q[2] = {};
    for (i64 n = 0; n < whole; n += 2 * L) {
      const F64 a = loadDoubles(x + n) - shift, b = loadDoubles(x + n + L) - shift;
      s[0] += a;
      s[1] += b;
      q[0] = multiplyAdd(a, a, q[0]);
      q[1] = multiplyAdd(b, b, q[1]);
    }
    double rest = 0, restSquares = 0;
    for (i64 n = whole; n < width; n++) {
      const double d = (double)x[n] - shift;
      rest += d;
      restSquares += d * d;
    }
    sum = sumOf<double>(s[0] + s[1]) + rest;
    squares = sumOf<double>(q[0] + q[1]) + restSquares;
  };
  double sum, squares;
  sumsFrom(sum, squares);
  if (sizeof(T) == 8 && norm.centered) {
    shift += sum / (double)width;
    sumsFrom(sum, squares);
  }
  const double part = norm.centered ? sum / (double)width : 0, mean = shift + part;
  double v = squares / (double)width - part * part;
  // Of equal numbers it may be rounded to less than 0; NaN stays.
  if (v < 0) v = 0;
  // A tiny epsilon would make infinity of a row of zeros.
  constexpr double limit = sizeof(T) == 4 ? 0x1p127 : 0x1p1023;
  const double inverse = 1 / __builtin_sqrt(v + norm.epsilon);
  return {(T)mean, (T)(mean - (double)(T)mean), (T)(inverse > limit ? limit : inverse)};
}

template <class T>
INLINE Vector<T> normalOf(Vector<T> x, const Moments<T>& m) {
  return (x - m.mean - m.rest) * m.inverse;
}

// y = n * weight + bias
template <class T>
INLINE void normRow(const Norm& norm, i64 row) {
  const T* x = (const T*)norm.input + row * norm.width;
  const T *weight = (const T*)norm.weight, *bias = (const T*)norm.bias;
  T* y = (T*)norm.output + row * norm.width;
  const Moments<T> m = momentsOf(norm, x);
  eachVector<T>(norm.width, [&](i64 n, int count) __attribute__((always_inline)) {
    const Vector<T> normal = normalOf(loadLanes(x + n, count), m), w = loadLanes(weight + n, count);
    storeLanes(y + n, bias == nullptr ? normal * w : multiplyAdd(normal, w, loadLanes(bias + n, count)), count);
  });
}

// dX = inverse * (dN - mean(dN) - n * mean(dN * n)) + residual; adds dY * n and dY to the sums of the block.
template <class T>
INLINE void normGradientRow(const Norm& norm, i64 row, T* weightSums, T* biasSums) {
  const i64 width = norm.width, at = row * width;
  const T *x = (const T*)norm.input + at, *weight = (const T*)norm.weight, *d = (const T*)norm.dOutput + at;
  const T* residual = norm.residual == nullptr ? nullptr : (const T*)norm.residual + at;
  T* to = (T*)norm.output + at;
  // A row without influence may hold NaN. Others rarely begin with 0.
  if (isZero(d, width)) {
    eachVector<T>(width, [&](i64 n, int count) __attribute__((always_inline)) {
      storeLanes(to + n, residual == nullptr ? zeros<T>() : loadLanes(residual + n, count), count);
    });
    return;
  }
  const Moments<T> m = momentsOf(norm, x);
  Doubles<T> sum, along;
  eachVector<T>(width, [&](i64 n, int count) __attribute__((always_inline)) {
    const Vector<T> normal = normalOf(loadLanes(x + n, count), m), dy = loadLanes(d + n, count);
    const Vector<T> dNormal = dy * loadLanes(weight + n, count);
    add(sum, dNormal);
    // Lanes past the row have a normal of any number, and a gradient of 0.
    add(along, dNormal * normal);
    store(weightSums + n, multiplyAdd(dy, normal, load(weightSums + n)));
    store(biasSums + n, load(biasSums + n) + dy);
  });
  const T mean = norm.centered ? (T)(sumOf(sum) / (double)width) : 0, slope = (T)(sumOf(along) / (double)width);
  eachVector<T>(width, [&](i64 n, int count) __attribute__((always_inline)) {
    const Vector<T> normal = normalOf(loadLanes(x + n, count), m);
    const Vector<T> dNormal = loadLanes(d + n, count) * loadLanes(weight + n, count);
    const Vector<T> own = (dNormal - mean - normal * slope) * m.inverse;
    storeLanes(to + n, residual == nullptr ? own : own + loadLanes(residual + n, count), count);
  });
}

// Sums over the blocks, in their order.
template <class T>
static void sumBlocks(const T* sums, i64 blocks, i64 step, i64 width, T* to) {
  constexpr i64 L = LANES<double>;
  for (i64 n = 0; n < width; n += L) {
    F64 total = {};
    for (i64 block = 0; block < blocks; block++) total += loadDoubles(sums + block * step + n);
    for (i64 lane = 0; lane < least(L, width - n); lane++) to[n + lane] = (T)total[lane];
  }
}

template <class T>
INLINE void gradientBlock(const Run& run, i64 task, i64 first, i64 end) {
  const Norm& norm = *run.norm;
  const i64 width = sumsWidth<T>(norm), step = 2 * width, blocks = run.plan->tasks;
  T* sums = (T*)(run.shared + run.plan->clearedBytes);
  T* own = sums + task * step;
  __builtin_memset(own, 0, (size_t)step * sizeof(T));
  for (i64 row = first; row < end; row++) normGradientRow(norm, row, own, own + width);
  if (countUp((int32_t*)run.shared) != blocks - 1) return;
  sumBlocks(sums, blocks, step, norm.width, (T*)norm.dWeight);
  if (norm.dBias != nullptr) sumBlocks(sums + width, blocks, step, norm.width, (T*)norm.dBias);
}

template <class T>
static void normTask(const Run& run, i64 task, char*) {
  if (__atomic_load_n(run.stop, __ATOMIC_RELAXED) != 0) return;
  const Norm& norm = *run.norm;
  const i64 first = task * run.plan->blockRows, end = least(norm.rows, first + run.plan->blockRows);
  if (norm.dOutput != nullptr) return gradientBlock<T>(run, task, first, end);
  for (i64 row = first; row < end; row++) normRow<T>(norm, row);
}

}  // namespace
}  // namespace heed
