// Numbers of 16 bits: IEEE 754's binary16, and bfloat16, the upper half of a float. Widening is exact. Narrowing rounds to
// nearest, ties to even, keeps NaN, and makes infinity of what is too large.
//
// Nothing is computed in them: rows are widened into a thread's scratch shortly before they are used, as many as stay in
// the first-level cache (source.h), and results are narrowed as they are stored.
#pragma once
#include "vector.h"

namespace heed {
namespace {

// As many 16-bit numbers as a vector has floats.
typedef uint16_t U16 __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef uint32_t U32 __attribute__((vector_size(VECTOR_BYTES)));

// A number a lane. Compilers have several steps for what each instruction set has in one.
INLINE U32 lengthened(U16 bits) {
#if defined(HEED_AVX512)
  return (U32)_mm512_cvtepu16_epi32((__m256i)bits);
#elif defined(HEED_AVX2)
  return (U32)_mm256_cvtepu16_epi32((__m128i)bits);
#else
  return __builtin_convertvector(bits, U32);
#endif
}
INLINE U16 shortened(U32 bits) {
#if defined(HEED_AVX512)
  return (U16)_mm512_cvtepi32_epi16((__m512i)bits);
#else
  return __builtin_convertvector(bits, U16);
#endif
}

template <Format format>
INLINE F32 widened(U16 bits) {
  if constexpr (format == Format::bfloat16) return (F32)(lengthened(bits) << 16);
#if defined(HEED_AVX512)
  return (F32)_mm512_cvtph_ps((__m256i)bits);
#elif defined(HEED_AVX2)
  return (F32)_mm256_cvtph_ps((__m128i)bits);
#elif defined(HEED_NEON)
  return (F32)vcvt_f32_f16((float16x4_t)bits);
#else
  // The exponent counts from -15 instead of -127: a product by 2^112, exact for subnormal numbers as well.
  const U32 wide = lengthened(bits), size = (wide & 0x7fff) << 13;
  const F32 scaled = (F32)size * 0x1p112f;
  const U32 number = (wide & 0x7c00) == 0x7c00 ? size | 0x7f800000 : (U32)scaled;
  return (F32)(number | (wide & 0x8000) << 16);
#endif
}

template <Format format>
INLINE U16 narrowed(F32 x) {
#if defined(HEED_AVX512)
  if constexpr (format == Format::float16) return (U16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
#elif defined(HEED_AVX2)
  if constexpr (format == Format::float16) return (U16)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
#elif defined(HEED_NEON)
  if constexpr (format == Format::float16) return (U16)vcvt_f16_f32((float32x4_t)x);
#endif
  const U32 bits = (U32)x, size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
  U32 rounded;
  if constexpr (format == Format::bfloat16) {
    rounded = (size + 0x7fff + (size >> 16 & 1)) >> 16;
    rounded = size > 0x7f800000 ? (size >> 16 | 0x40) : rounded;
  } else {
    const U32 normal = (size + 0xfff + (size >> 13 & 1) - (112 << 23)) >> 13;
    // Beside 0.5 a float has the spacing of binary16's subnormal numbers.
    const U32 subnormal = (U32)((F32)size + 0.5f) - 0x3f000000;
    rounded = size < 0x38800000 ? subnormal : normal;
    rounded = rounded > 0x7c00 ? U32{} + 0x7c00 : rounded;
    rounded = size > 0x7f800000 ? U32{} + 0x7e00 : rounded;
    rounded = size >= 0x47800000 && size <= 0x7f800000 ? U32{} + 0x7c00 : rounded;
  }
  return shortened(rounded | sign);
}

template <Format format>
INLINE F32 loadWidened(const uint16_t* from) {
  U16 bits;
  __builtin_memcpy(&bits, from, sizeof bits);
  return widened<format>(bits);
}
// The first `count` lanes, and 0 in the others: nothing past them is read.
template <Format format>
INLINE F32 loadWidenedPart(const uint16_t* from, int count) {
#if defined(HEED_AVX512)
  return widened<format>((U16)_mm256_maskz_loadu_epi16((__mmask16)((1u << count) - 1), from));
#endif
  U16 bits{};
  for (int n = 0; n < LANES<float>; n++) {
    if (n < count) bits[n] = from[n];
  }
  return widened<format>(bits);
}
template <Format format>
INLINE void storeNarrowed(uint16_t* to, F32 x, int count) {
  const U16 bits = narrowed<format>(x);
  if (count == LANES<float>) return (void)__builtin_memcpy(to, &bits, sizeof bits);
#if defined(HEED_AVX512)
  return _mm256_mask_storeu_epi16(to, (__mmask16)((1u << count) - 1), (__m256i)bits);
#endif
  for (int n = 0; n < LANES<float>; n++) {
    if (n < count) to[n] = bits[n];
  }
}

// L numbers of a type, of which the first `count` are read or written and the others are 0. The type of `same` is T.
template <class T>
INLINE Vector<T> loadAs(Format format, const void* from, int count) {
  if constexpr (sizeof(T) == 4) {
    if (format == Format::float16) return loadWidenedPart<Format::float16>((const uint16_t*)from, count);
    if (format == Format::bfloat16) return loadWidenedPart<Format::bfloat16>((const uint16_t*)from, count);
  }
  return count == LANES<T> ? load((const T*)from) : loadPart((const T*)from, count);
}
template <class T>
INLINE void storeAs(Format format, void* to, Vector<T> x, int count) {
  if constexpr (sizeof(T) == 4) {
    if (format == Format::float16) return storeNarrowed<Format::float16>((uint16_t*)to, x, count);
    if (format == Format::bfloat16) return storeNarrowed<Format::bfloat16>((uint16_t*)to, x, count);
  }
  if (count == LANES<T>) store((T*)to, x);
  else storePart((T*)to, x, count);
}
template <class T>
INLINE T numberAs(Format format, const void* from) {
  return loadAs<T>(format, from, 1)[0];
}

// Bytes of `count` numbers of a type; of 4 bits, an even number of them.
template <class T>
INLINE i64 bytesOf(Format format, i64 count = 1) {
  if (format == Format::same) return count * (i64)sizeof(T);
  if (format == Format::int4) return count / 2;
  return format == Format::int8 ? count : 2 * count;
}
// Address of element n.
template <class T>
INLINE void* elementOf(Format format, void* base, i64 n) {
  return (char*)base + bytesOf<T>(format, n);
}

// Returns whether none of the numbers has an exponent of ones, which are infinity and NaN.
template <Format format, bool prefetch>
static __attribute__((noinline)) bool areFiniteBits(const uint16_t* from, i64 row, i64 count, i64 depth) {
  typedef uint16_t Lanes __attribute__((vector_size(VECTOR_BYTES)));
  constexpr int L = VECTOR_BYTES / 2;
  constexpr uint16_t exponent = format == Format::float16 ? 0x7c00 : 0x7f80;
  Lanes found{};
  bool isFound = false;
  for (i64 r = 0; r < count; r++) {
    const uint16_t* at = from + r * row;
    if (prefetch) prefetchBehind(at, depth);
    i64 d = 0;
    for (; d + L <= depth; d += L) {
      Lanes bits;
      __builtin_memcpy(&bits, at + d, sizeof bits);
      found |= (Lanes)((bits & exponent) == exponent);
    }
    for (; d < depth; d++) isFound |= (at[d] & exponent) == exponent;
  }
  return !isFound && !anyTrue(found);
}

// A row times a factor.
template <class T>
INLINE void writeScaled(const T* from, T factor, Format format, void* to, i64 depth) {
  constexpr int L = LANES<T>;
  for (i64 d = 0; d < depth; d += L) {
    const int count = (int)least(L, depth - d);
    const Vector<T> x = count == L ? load(from + d) : loadPart(from + d, count);
    storeAs<T>(format, elementOf<T>(format, to, d), x * factor, count);
  }
}

}  // namespace
}  // namespace heed
