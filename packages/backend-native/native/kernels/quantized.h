// Keys and values of 8 and of 4 bits. Those of 4 are two's complement, the number with the even index in the low half of a
// byte.
#pragma once
#include "stored.h"

namespace heed {
namespace {

constexpr bool isQuantized(Format format) { return format == Format::int8 || format == Format::int4; }

INLINE int quantizedAt(Format format, const char* row, i64 d) {
  if (format == Format::int8) return (int8_t)row[d];
  return (((uint8_t)row[d / 2] >> (d % 2 * 4) & 15) ^ 8) - 8;
}

// L numbers from the d-th on, a multiple of L.
template <Format F>
INLINE F32 loadQuantized(const char* row, i64 d) {
  if constexpr (F == Format::int8) return __builtin_convertvector(loadSignedBytes(row + d), F32);
#if defined(HEED_AVX512) || defined(HEED_AVX2)
  // Each byte becomes a word, and the word its two halves.
#if defined(HEED_AVX512)
  const __m128i words = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i*)(row + d / 2)));
#else
  const __m128i words = _mm_cvtepu8_epi16(_mm_loadu_si32(row + d / 2));
#endif
  const __m128i halves = _mm_and_si128(_mm_or_si128(words, _mm_slli_epi16(words, 4)), _mm_set1_epi16(0x0f0f));
  const __m128i eight = _mm_set1_epi8(8), numbers = _mm_sub_epi8(_mm_xor_si128(halves, eight), eight);
#if defined(HEED_AVX512)
  return (F32)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(numbers));
#else
  return (F32)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(numbers));
#endif
#else
  F32 x{};
  for (int n = 0; n < LANES<float>; n++) x[n] = (float)quantizedAt(F, row, d + n);
  return x;
#endif
}

}  // namespace
}  // namespace heed
