// Rows of keys or values of a key/value head, as the kernels read them: in place if they have the type of the computation,
// otherwise widened a chunk at a time, which stays in the first-level cache.
#pragma once
#include "convert.h"
#include "pack.h"

namespace heed {
namespace {

// Numbers of a chunk: 16 KB.
constexpr i64 CHUNK_NUMBERS = 4096;

// Rows one after another, `row` elements apart.
template <class T>
struct Rows {
  const T* from;
  i64 row;
};

// L numbers of a row from the d-th on, as numbers of the computation.
template <class T, Format F>
INLINE Vector<T> loadFormat(const void* row, i64 d) {
  if constexpr (F == Format::same) return load((const T*)row + d);
  else return loadWidened<F>((const uint16_t*)row + d);
}
template <class T, Format F>
INLINE Vector<T> loadFormatPart(const void* row, i64 d, int count) {
  if constexpr (F == Format::same) return loadPart((const T*)row + d, count);
  else return loadWidenedPart<F>((const uint16_t*)row + d, count);
}

// Addresses of rows one after another.
template <class T>
struct Places {
  const char* base;
  i64 rowBytes, bytes;

  const void* at(i64 n) const { return base + n * rowBytes; }
  // Brings a row that follows soon into the cache.
  void prefetch(i64, const void* row) const {
    for (i64 n = 0; n < bytes; n += 64) __builtin_prefetch((const char*)row + n + PREFETCH_BYTES);
  }
};

template <class T>
struct Source {
  Format format;
  const void* base;
  i64 row, depth;

  bool inPlace() const { return format == Format::same; }
  const void* address(i64 key) const { return elementOf<T>(format, (void*)base, key * row); }
  Places<T> places(i64 key) const {
    return {(const char*)address(key), row * bytesOf<T>(format), depth * bytesOf<T>(format)};
  }
  // Elements from one widened row to the next.
  i64 wideRow() const { return paddedTo<T>(depth); }
  // Number of rows that are worked on together: whole panels.
  i64 chunk(i64 count) const {
    return inPlace() ? count : greatest(PANEL<T>, roundDown(CHUNK_NUMBERS / greatest(1, wideRow()), PANEL<T>));
  }
  // Rows key ... key + count - 1, at most a chunk.
  template <bool prefetch = false>
  Rows<T> rows(i64 key, i64 count, T* scratch) const {
    if (inPlace()) return {(const T*)address(key), row};
    const auto widen = format == Format::float16 ? widenRows<Format::float16, prefetch> : widenRows<Format::bfloat16, prefetch>;
    widen((const uint16_t*)address(key), row, count, depth, (float*)scratch, wideRow());
    return {scratch, wideRow()};
  }
  // Returns whether all numbers of the rows are finite, and brings them into the second-level cache.
  bool areFinite(i64 key, i64 count) const {
    if (inPlace()) return heed::areFinite<T, true>((const T*)address(key), row, count, depth);
    const auto test = format == Format::float16 ? areFiniteBits<Format::float16> : areFiniteBits<Format::bfloat16>;
    return test((const uint16_t*)address(key), row, count, depth);
  }
};

// Numbers of scratch for chunks of keys and of values.
template <class T>
INLINE i64 chunkNumbers(const Problem& p) {
  if (p.cacheFormat == Format::same) return 0;
  return greatest(CHUNK_NUMBERS, PANEL<T> * paddedTo<T>(greatest(p.headDim, p.valueDim)));
}

}  // namespace
}  // namespace heed
