// Linear weights as they are stored: 16-bit numbers, and blocks of 32 numbers along the input with a scale, of 8 bits (q8_0)
// or 4 (q4_0; q4_1, with a minimum). The binding packs them (binding/stored.h) in panels of W columns, block after block:
//
//     W scales, W minima (q4_1) in binary16;  q8_0: W bytes a step;  q4: W bytes for two steps, the first in the low half
//
// so that a vector's lanes are columns, as in panels of numbers, and a block is decoded in registers: one conversion, one
// product with a vector of scales. Few rows multiply at once. For more, panels are decoded into scratch, some steps at a
// time, for the product of packed panels. Either way a number is rounded to float32 once, and sums are chains in the
// order of the steps: the bits of a row do not depend on the others.
#pragma once
#include "convert.h"
#include "multiply.h"

namespace heed {
namespace {

typedef uint8_t Bytes __attribute__((vector_size(LANES<float>)));
typedef int8_t SignedBytes __attribute__((vector_size(LANES<float>)));

// A byte a lane. Compilers have several steps for the conversion that each instruction set has in one.
INLINE I32 loadBytes(const char* from) {
#if defined(HEED_AVX512)
  return (I32)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)from));
#elif defined(HEED_AVX2)
  return (I32)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)from));
#else
  Bytes bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, I32);
#endif
}
INLINE I32 loadSignedBytes(const char* from) {
#if defined(HEED_AVX512)
  return (I32)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)from));
#elif defined(HEED_AVX2)
  return (I32)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)from));
#else
  SignedBytes bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, I32);
#endif
}

constexpr i64 BLOCK_STEPS = 32;

constexpr bool isBlock(Weight w) { return w == Weight::q8_0 || w == Weight::q4_0 || w == Weight::q4_1; }
// Bytes of a panel for `steps` steps of the sum.
INLINE i64 panelBytes(Weight w, i64 steps) {
  const i64 blocks = steps / BLOCK_STEPS * PANEL<float>;
  if (w == Weight::q8_0) return blocks * 34;
  if (w == Weight::q4_0) return blocks * 18;
  if (w == Weight::q4_1) return blocks * 20;
  return steps * PANEL<float> * 2;
}

#if defined(HEED_AVX512)
// Numbers of the low four bits of each lane: an entry of a table.
template <Weight S>
INLINE F32 numbersOfHalves(I32 bits) {
  constexpr float z = S == Weight::q4_0 ? 8 : 0;
  const F32 table = {0 - z, 1 - z, 2 - z, 3 - z, 4 - z, 5 - z, 6 - z, 7 - z, 8 - z, 9 - z, 10 - z, 11 - z, 12 - z, 13 - z, 14 - z, 15 - z};
  return (F32)_mm512_permutexvar_ps((__m512i)bits, (__m512)table);
}
#else
template <Weight S>
INLINE F32 numbersOfHalves(I32 bits) {
  return __builtin_convertvector((bits & 15) - (S == Weight::q4_0 ? 8 : 0), F32);
}
#endif

template <Weight S>
INLINE F32 scaled(F32 number, F32 scale, F32 minimum) {
  if constexpr (S == Weight::q4_1) return multiplyAdd(number, scale, minimum);
  else return number * scale;
}

// Decodes `steps` steps of P panels, which are `step` bytes apart. sink(k, n, v, w) takes vector v of panel n at step k. With `ahead`,
// which is for whole panels, those of the next P panels are fetched behind their last bytes.
template <Weight S, int P, bool ahead = false, class Sink>
INLINE void decode(const char* panels, i64 step, i64 steps, Sink sink) {
  constexpr int L = LANES<float>, W = PANEL<float>;
  if constexpr (!isBlock(S)) {
    constexpr Format format = S == Weight::float16 ? Format::float16 : Format::bfloat16;
    for (i64 k = 0; k < steps; k++) {
#pragma GCC unroll 4
      for (int n = 0; n < P; n++) {
        const uint16_t* at = (const uint16_t*)(panels + n * step) + k * W;
        sink(k, n, 0, loadWidened<format>(at));
        sink(k, n, 1, loadWidened<format>(at + L));
      }
    }
  } else {
    constexpr i64 head = S == Weight::q4_1 ? 4 * W : 2 * W;
    const i64 blockBytes = panelBytes(S, BLOCK_STEPS);
    i64 left = ahead ? step - AHEAD_BYTES : 0;
    for (i64 first = 0; first < steps; first += BLOCK_STEPS, panels += blockBytes) {
      F32 scales[P][2], minima[P][2];
#pragma GCC unroll 4
      for (int n = 0; n < P; n++) {
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) {
          const uint16_t* at = (const uint16_t*)(panels + n * step) + v * L;
          scales[n][v] = loadWidened<Format::float16>(at);
          minima[n][v] = S == Weight::q4_1 ? loadWidened<Format::float16>(at + W) : zeros<float>();
        }
      }
      if constexpr (ahead) {
        const char* next = panels + AHEAD_BYTES + (left > 0 ? 0 : (P - 1) * step);
        left -= blockBytes;
#pragma GCC unroll 4
        for (int n = 0; n < P; n++) {
          for (i64 at = 0; at < blockBytes; at += 64) __builtin_prefetch(next + n * step + at);
        }
      }
      constexpr int rows = S == Weight::q8_0 ? BLOCK_STEPS : BLOCK_STEPS / 2;
      for (int k = 0; k < rows; k++) {
#pragma GCC unroll 4
        for (int n = 0; n < P; n++) {
#pragma GCC unroll 2
          for (int v = 0; v < 2; v++) {
            const char* at = panels + n * step + head + k * W + v * L;
            if constexpr (S == Weight::q8_0) {
              sink(first + k, n, v, __builtin_convertvector(loadSignedBytes(at), F32) * scales[n][v]);
            } else {
              const I32 pairs = loadBytes(at);
              sink(first + 2 * k, n, v, scaled<S>(numbersOfHalves<S>(pairs), scales[n][v], minima[n][v]));
              sink(first + 2 * k + 1, n, v, scaled<S>(numbersOfHalves<S>(pairs >> 4), scales[n][v], minima[n][v]));
            }
          }
        }
      }
    }
  }
}

// The most rows that multiply numbers in the registers where they are decoded.
constexpr i64 STORED_ROWS = 8;

// R rows, `row` numbers apart, and P panels, from the first step to the last: 2 R P chains. Fewer rows read the last one again.
template <Weight S, int P, int R>
INLINE void multiplyStoredTile(const float* a, i64 row, i64 rows, const char* panels, i64 step, float* c, i64 cRow, i64 steps) {
  const float* from[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) from[r] = a + least(r, rows - 1) * row;
  F32 sums[R][P][2] = {};
  decode<S, P, true>(panels, step, steps, [&](i64 k, int n, int v, F32 w) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) sums[r][n][v] = multiplyAdd(splat<float>(from[r][k]), w, sums[r][n][v]);
  });
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    if (r >= rows) break;
#pragma GCC unroll 4
    for (int n = 0; n < P; n++) {
      store(c + r * cRow + n * PANEL<float>, sums[r][n][0]);
      store(c + r * cRow + n * PANEL<float> + LANES<float>, sums[r][n][1]);
    }
  }
}

// The same for any number of panels: two at a time keep their scales in registers, where there are enough of these.
template <Weight S, int P, int R>
static __attribute__((noinline)) void multiplyStoredPanels(const float* a, i64 row, i64 rows, const char* panels, i64 step, i64 count,
                                                           float* c, i64 cRow, i64 steps) {
  i64 n = 0;
  for (; n + P <= count; n += P)
    multiplyStoredTile<S, P, R>(a, row, rows, panels + n * step, step, c + n * PANEL<float>, cRow, steps);
  if (P > 1 && n < count)
    multiplyStoredTile<S, 1, R>(a, row, rows, panels + n * step, step, c + n * PANEL<float>, cRow, steps);
}

// 1 ... STORED_ROWS rows.
template <Weight S>
static void multiplyStored(const float* a, i64 row, i64 rows, const char* panels, i64 step, i64 count, float* c, i64 cRow, i64 steps) {
  if (rows == 1) return multiplyStoredPanels<S, 2, 1>(a, row, rows, panels, step, count, c, cRow, steps);
#if defined(HEED_AVX512) || defined(HEED_NEON)
  if (rows == 2) return multiplyStoredPanels<S, 2, 2>(a, row, rows, panels, step, count, c, cRow, steps);
  if (rows <= 4) return multiplyStoredPanels<S, 2, 4>(a, row, rows, panels, step, count, c, cRow, steps);
  multiplyStoredPanels<S, 1, 8>(a, row, rows, panels, step, count, c, cRow, steps);
#else
  for (; rows > 0; rows -= 4, a += 4 * row, c += 4 * cRow)
    multiplyStoredPanels<S, 1, 4>(a, row, least(4, rows), panels, step, count, c, cRow, steps);
#endif
}

// Numbers of `steps` steps of one panel after another, each as packed panels have them.
template <Weight S>
static __attribute__((noinline)) void decodeStored(const char* panels, i64 step, i64 count, i64 steps, float* to) {
  for (i64 n = 0; n < count; n++, panels += step, to += steps * PANEL<float>) {
    decode<S, 1>(panels, step, steps, [&](i64 k, int, int v, F32 w) __attribute__((always_inline)) {
      store(to + k * PANEL<float> + v * LANES<float>, w);
    });
  }
}

struct StoredKernels {
  void (*multiply)(const float*, i64, i64, const char*, i64, i64, float*, i64, i64);
  void (*decode)(const char*, i64, i64, i64, float*);
};
INLINE StoredKernels storedKernels(Weight w) {
  switch (w) {
    case Weight::float16: return {multiplyStored<Weight::float16>, decodeStored<Weight::float16>};
    case Weight::bfloat16: return {multiplyStored<Weight::bfloat16>, decodeStored<Weight::bfloat16>};
    case Weight::q8_0: return {multiplyStored<Weight::q8_0>, decodeStored<Weight::q8_0>};
    case Weight::q4_0: return {multiplyStored<Weight::q4_0>, decodeStored<Weight::q4_0>};
    case Weight::q4_1: return {multiplyStored<Weight::q4_1>, decodeStored<Weight::q4_1>};
    case Weight::same: break;
  }
  return {};
}

}  // namespace
}  // namespace heed
