// Vectors of one level. The arithmetic is the compilers' own on vector types; only what they have no operator for is
// written once more for each instruction set: fused multiply-add, maximum, and tests of a whole vector.
//
// Everything has internal linkage, and no header of the C++ library is included: the linker keeps one of equal inline
// functions, and it might keep the one with instructions that the machine does not have.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "../problem.h"

#if defined(HEED_AVX512) || defined(HEED_AVX2)
#include <immintrin.h>
#elif defined(HEED_NEON)
#include <arm_neon.h>
#endif

namespace heed {
namespace {

#if defined(HEED_AVX512)
constexpr int VECTOR_BYTES = 64;
#elif defined(HEED_AVX2)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float F32 __attribute__((vector_size(VECTOR_BYTES)));
typedef double F64 __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t I32 __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t I64 __attribute__((vector_size(VECTOR_BYTES)));

template <class T>
struct Of;
template <>
struct Of<float> {
  using Vector = F32;
  using Integers = I32;
  using Integer = int32_t;
  static constexpr int lanes = VECTOR_BYTES / 4;
};
template <>
struct Of<double> {
  using Vector = F64;
  using Integers = I64;
  using Integer = int64_t;
  static constexpr int lanes = VECTOR_BYTES / 8;
};
template <class T>
using Vector = typename Of<T>::Vector;
template <class T>
using Integers = typename Of<T>::Integers;
template <class T>
using Integer = typename Of<T>::Integer;
template <class T>
constexpr int LANES = Of<T>::lanes;

constexpr double INF = __builtin_inf();

INLINE i64 least(i64 a, i64 b) { return a < b ? a : b; }
INLINE i64 greatest(i64 a, i64 b) { return a > b ? a : b; }
INLINE i64 roundUp(i64 n, i64 multiple) { return (n + multiple - 1) / multiple * multiple; }
INLINE i64 roundDown(i64 n, i64 multiple) { return n / multiple * multiple; }
INLINE i64 ceilDivide(i64 n, i64 by) { return (n + by - 1) / by; }
template <class T>
INLINE bool isFinite(T x) {
  return x - x == 0;
}

template <class T>
INLINE Vector<T> load(const T* from) {
  Vector<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
INLINE void store(T* to, Vector<T> v) {
  __builtin_memcpy(to, &v, sizeof v);
}
template <class T>
INLINE Vector<T> splat(T x) {
  return x - Vector<T>{};
}
template <class T>
INLINE Vector<T> zeros() {
  return Vector<T>{};
}

// The first `count` lanes, and 0 in the others: nothing past them is read.
template <class T>
INLINE Vector<T> loadPart(const T* from, int count) {
#if defined(HEED_AVX512)
  if constexpr (sizeof(T) == 4) return (F32)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
  if constexpr (sizeof(T) == 8) return (F64)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), from);
#endif
  Vector<T> v{};
  for (int n = 0; n < LANES<T>; n++) {
    if (n < count) v[n] = from[n];
  }
  return v;
}
template <class T>
INLINE void storePart(T* to, Vector<T> v, int count) {
#if defined(HEED_AVX512)
  if constexpr (sizeof(T) == 4) return _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)v);
  if constexpr (sizeof(T) == 8) return _mm512_mask_storeu_pd(to, (__mmask8)((1u << count) - 1), (__m512d)v);
#endif
  for (int n = 0; n < LANES<T>; n++) {
    if (n < count) to[n] = v[n];
  }
}

// Number of bytes ahead of its loads at which a pass over memory prefetches rows.
constexpr i64 PREFETCH_BYTES = 8192;
template <class T>
INLINE void prefetchBehind(const T* row, i64 depth) {
  for (i64 d = 0; d < depth; d += 64 / (i64)sizeof(T)) __builtin_prefetch((const char*)(row + d) + PREFETCH_BYTES);
}

template <class T>
INLINE void prefetchRow(const T* row, i64 depth) {
  for (i64 d = 0; d < depth; d += 64 / (i64)sizeof(T)) __builtin_prefetch(row + d);
}

// a * b + c, rounded once where the level has that.
INLINE F32 multiplyAdd(F32 a, F32 b, F32 c) {
#if defined(HEED_AVX512)
  return (F32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(HEED_AVX2)
  return (F32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(HEED_NEON)
  return (F32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
  return a * b + c;
#endif
}
INLINE F64 multiplyAdd(F64 a, F64 b, F64 c) {
#if defined(HEED_AVX512)
  return (F64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(HEED_AVX2)
  return (F64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif defined(HEED_NEON)
  return (F64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
  return a * b + c;
#endif
}

// Lane by lane, mask ? a : b; the mask is what a comparison gives.
template <class V, class M>
INLINE V select(M mask, V a, V b) {
  return mask ? a : b;
}

// The larger one; `current` where x is NaN.
INLINE F32 larger(F32 x, F32 current) {
#if defined(HEED_AVX512)
  return (F32)_mm512_max_ps((__m512)x, (__m512)current);
#elif defined(HEED_AVX2)
  return (F32)_mm256_max_ps((__m256)x, (__m256)current);
#else
  return x > current ? x : current;
#endif
}
INLINE F64 larger(F64 x, F64 current) {
#if defined(HEED_AVX512)
  return (F64)_mm512_max_pd((__m512d)x, (__m512d)current);
#elif defined(HEED_AVX2)
  return (F64)_mm256_max_pd((__m256d)x, (__m256d)current);
#else
  return x > current ? x : current;
#endif
}

template <class M>
INLINE bool anyTrue(M mask) {
#if defined(HEED_AVX512)
  return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(HEED_AVX2)
  return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#endif
  int64_t bits[VECTOR_BYTES / 8];
  __builtin_memcpy(bits, &mask, sizeof bits);
  int64_t all = 0;
  for (int n = 0; n < VECTOR_BYTES / 8; n++) all |= bits[n];
  return all != 0;
}
template <class T>
INLINE bool anyNaN(Vector<T> v) {
  return anyTrue(v != v);
}

// Combination of all lanes, pair by pair: always in the same order.
template <class T>
INLINE T sumOf(Vector<T> v) {
  T lanes[LANES<T>];
  __builtin_memcpy(lanes, &v, sizeof v);
  for (int width = LANES<T> / 2; width > 0; width /= 2) {
    for (int n = 0; n < width; n++) lanes[n] += lanes[n + width];
  }
  return lanes[0];
}
// low: a0 b0 a1 b1 ... of the lower halves of a and b; high: of the upper ones.
#if defined(HEED_AVX512)
INLINE F32 low(F32 a, F32 b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE F32 high(F32 a, F32 b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
INLINE F64 low(F64 a, F64 b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
INLINE F64 high(F64 a, F64 b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
#elif defined(HEED_AVX2)
INLINE F32 low(F32 a, F32 b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
INLINE F32 high(F32 a, F32 b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
INLINE F64 low(F64 a, F64 b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
INLINE F64 high(F64 a, F64 b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
#else
INLINE F32 low(F32 a, F32 b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
INLINE F32 high(F32 a, F32 b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
INLINE F64 low(F64 a, F64 b) { return __builtin_shufflevector(a, b, 0, 2); }
INLINE F64 high(F64 a, F64 b) { return __builtin_shufflevector(a, b, 1, 3); }
#endif

// Transposes as many vectors as a vector has lanes.
template <class T>
INLINE void transpose(Vector<T> (&v)[LANES<T>]) {
  constexpr int half = LANES<T> / 2;
#pragma GCC unroll 8
  for (int width = 1; width < LANES<T>; width *= 2) {
    Vector<T> w[LANES<T>];
#pragma GCC unroll 8
    for (int n = 0; n < half; n++) {
      w[2 * n] = low(v[n], v[n + half]);
      w[2 * n + 1] = high(v[n], v[n + half]);
    }
#pragma GCC unroll 16
    for (int n = 0; n < LANES<T>; n++) v[n] = w[n];
  }
}

// Lane n: combination of the lanes of vector n, two shuffles each.
template <class T, class Combine>
INLINE Vector<T> acrossLanes(const Vector<T>* vectors, Combine combine) {
  Vector<T> v[LANES<T>];
#pragma GCC unroll 16
  for (int n = 0; n < LANES<T>; n++) v[n] = vectors[n];
#pragma GCC unroll 4
  for (int half = LANES<T> / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int n = 0; n < half; n++) v[n] = combine(low(v[n], v[n + half]), high(v[n], v[n + half]));
  }
  return v[0];
}
template <class T>
INLINE Vector<T> sumsOf(const Vector<T>* vectors) {
  return acrossLanes<T>(vectors, [](Vector<T> a, Vector<T> b) __attribute__((always_inline)) { return a + b; });
}
template <class T>
INLINE Vector<T> maximaOf(const Vector<T>* vectors) {
  return acrossLanes<T>(vectors, [](Vector<T> a, Vector<T> b) __attribute__((always_inline)) { return larger(a, b); });
}

}  // namespace
}  // namespace heed
