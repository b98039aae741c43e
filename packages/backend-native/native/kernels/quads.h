// Scores of five to eight query rows that share their keys, on AVX-512. Sixteen keys are laid out four numbers of four keys
// to a vector, once for all rows, in a buffer that stays in the first-level cache: products of such vectors with four
// numbers of a query, repeated four times, need sums across four lanes only, six shuffles for 16 keys of a row. Whole
// vectors of a key (direct.h) need thirty, and with seven rows these cost as much as the products.
//
// Lines of keys to come are prefetched between the products, a few each step: all at once, while keys are laid out, they
// are waited for (37 cycles for a key of 64 numbers instead of 26, of which memory takes 19).
#pragma once
#include "block.h"

namespace heed {
namespace {

// Longest rows that are laid out: 16 KB.
constexpr i64 QUAD_DEPTH = 256;

template <class T>
INLINE bool fitsQuads(i64 rows, i64 depth) {
#if defined(HEED_AVX512)
  return sizeof(T) == 4 && rows > 4 && depth % LANES<T> == 0 && depth <= QUAD_DEPTH;
#else
  (void)rows, (void)depth;
  return false;
#endif
}

#if defined(HEED_AVX512)
// Key 4 i + g of 16, from number d on: lanes 4 i ... 4 i + 3 of to[(d / 4) * 64 + 16 g]. Keys past the last do not matter.
template <Format F, bool scaled>
static __attribute__((noinline)) void packQuads(const Places& places, i64 key, i64 keys, i64 depth, bool prefetches, float* to) {
  for (int g = 0; g < 4; g++) {
    Place at[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) at[i] = places.at(least(key + 4 * i + g, keys - 1));
    if (prefetches) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) places.prefetch(least(key + 4 * i + g, keys - 1), at[i]);
    }
    for (i64 d = 0; d < depth; d += 16) {
      F32 k[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) k[i] = loadRow<float, F, scaled>(at[i], d, places.shift);
      const F32 a = __builtin_shufflevector(k[0], k[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
      const F32 b = __builtin_shufflevector(k[0], k[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
      const F32 e = __builtin_shufflevector(k[2], k[3], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
      const F32 f = __builtin_shufflevector(k[2], k[3], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
      float* quads = to + d * 16 + g * 16;
      store(quads, __builtin_shufflevector(a, e, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27));
      store(quads + 64, __builtin_shufflevector(a, e, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
      store(quads + 128, __builtin_shufflevector(b, f, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27));
      store(quads + 192, __builtin_shufflevector(b, f, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
    }
  }
}

// Lane 4 i + g: the sum of lanes 4 i ... 4 i + 3 of s[g].
INLINE F32 sumsOfQuads(const F32 (&s)[4]) {
  const auto halves = [](F32 a, F32 b) __attribute__((always_inline)) {
    return __builtin_shufflevector(a, b, 0, 1, 18, 19, 4, 5, 22, 23, 8, 9, 26, 27, 12, 13, 30, 31) +
           __builtin_shufflevector(a, b, 2, 3, 16, 17, 6, 7, 20, 21, 10, 11, 24, 25, 14, 15, 28, 29);
  };
  const F32 a = halves(s[0], s[2]), b = halves(s[1], s[3]);
  return __builtin_shufflevector(a, b, 0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31) +
         __builtin_shufflevector(a, b, 1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30);
}

// Scores of R rows with 16 keys. Brings `lines` lines a step from `next` on into the cache.
template <int R>
static __attribute__((noinline)) void multiplyQuads(const float* query, const float* quads, i64 depth, float* scores,
                                                    const char* next, i64 lines) {
  F32 s[R][4] = {};
  for (i64 d = 0; d < depth; d += 4) {
    F32 k[4];
#pragma GCC unroll 4
    for (int g = 0; g < 4; g++) k[g] = load(quads + d * 16 + g * 16);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      const F32 q = (F32)_mm512_broadcast_f32x4(_mm_loadu_ps(query + r * depth + d));
#pragma GCC unroll 4
      for (int g = 0; g < 4; g++) s[r][g] = multiplyAdd(q, k[g], s[r][g]);
    }
    for (i64 n = 0; n < lines; n++, next += 64) __builtin_prefetch(next);
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) store(scores + r * FORWARD_STRIDE<float>, sumsOfQuads(s[r]));
}

template <Format F, bool scaled>
static __attribute__((noinline)) void quadScoresOf(const float* query, i64 rows, const Places& places, i64 keys, i64 depth,
                                                   float* scores) {
  constexpr decltype(&multiplyQuads<1>) others[] = {multiplyQuads<1>, multiplyQuads<2>, multiplyQuads<3>, multiplyQuads<4>};
  alignas(64) float quads[16 * QUAD_DEPTH];
  for (i64 key = 0; key < keys; key += 16) {
    const char* next = places.denseAhead(key, 16);
    packQuads<F, scaled>(places, key, keys, depth, next == nullptr, quads);
    // Of floats, half of the lines with the first four rows, the rest with the others.
    const i64 lines = next == nullptr ? 0 : places.bytes / depth, half = F == Format::same ? lines / 2 : lines;
    // Of 4 bits, less than a line a step.
    if (next != nullptr && lines == 0) prefetchBytes(next, 0, 16 * places.bytes);
    multiplyQuads<4>(query, quads, depth, scores + key, next, half);
    others[rows - 5](query + 4 * depth, quads, depth, scores + 4 * FORWARD_STRIDE<float> + key, next + half * depth / 4 * 64, lines - half);
  }
}
#endif

// Scores of 5 to 8 rows of queries with `keys` keys, in whole vectors.
template <class T>
INLINE void quadScores(Format format, bool scaled, const T* query, i64 rows, const Places& places, i64 keys, i64 depth, T* scores) {
#if defined(HEED_AVX512)
  if constexpr (sizeof(T) == 4) {
    const auto kernel = byFormat<float>(format, scaled, []<Format F, bool ofGroups>() { return &quadScoresOf<F, ofGroups>; });
    kernel(query, rows, places, keys, depth, scores);
  }
#else
  (void)format, (void)scaled, (void)query, (void)rows, (void)places, (void)keys, (void)depth, (void)scores;
#endif
}

}  // namespace
}  // namespace heed
