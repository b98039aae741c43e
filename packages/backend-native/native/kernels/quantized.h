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
#if defined(HEED_AVX512)
  // Four bytes go to eight lanes, each of which takes its number down, and finds it in a table by its last four bits.
  const __m512i halves = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const __m512i down = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
  const __m512 numbers = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
  const __m512i bytes = _mm512_castsi128_si512(_mm_loadl_epi64((const __m128i*)(row + d / 2)));
  return (F32)_mm512_permutexvar_ps(_mm512_srlv_epi32(_mm512_permutexvar_epi32(halves, bytes), down), numbers);
#elif defined(HEED_AVX2)
  // Each byte becomes a word, and the word its two halves.
  const __m128i words = _mm_cvtepu8_epi16(_mm_loadu_si32(row + d / 2));
  const __m128i halves = _mm_and_si128(_mm_or_si128(words, _mm_slli_epi16(words, 4)), _mm_set1_epi16(0x0f0f));
  const __m128i eight = _mm_set1_epi8(8), numbers = _mm_sub_epi8(_mm_xor_si128(halves, eight), eight);
  return (F32)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(numbers));
#else
  F32 x{};
  for (int n = 0; n < LANES<float>; n++) x[n] = (float)quantizedAt(F, row, d + n);
  return x;
#endif
}

}  // namespace
}  // namespace heed
