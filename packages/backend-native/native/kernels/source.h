// Rows of keys or values of a key/value head, as the kernels read them. They may be of 16 bits, of 8 or 4 with a scale for each
// group of numbers, and lie in pages. Nothing is widened as a whole: kernels for few queries read each row where it is
// (Places); others get a chunk of rows, in place if they can be, or else in scratch that stays in the first-level cache.
//
// A key whose page is -1 is not there: its row is one of zeros, and its score minus infinity (score_steps.h).
#pragma once
#include "convert.h"
#include "pack.h"
#include "quantized.h"

namespace heed {
namespace {

// Numbers of a chunk: 16 KB.
constexpr i64 CHUNK_NUMBERS = 4096;
// Largest number of rows ahead of which pages are prefetched.
constexpr i64 PREFETCH_ROWS = 256;
// A line of a table has at most 2^LINE_SHIFT rows: as many as a panel, at most 16, so that tiles begin with whole lines.
template <class T>
constexpr int LINE_SHIFT = PANEL<T> >= 16 ? 4 : PANEL<T> == 8 ? 3 : 2;

// Rows one after another, `row` elements apart.
template <class T>
struct Rows {
  const T* from;
  i64 row;
};

// Brings bytes from ... to - 1 of a row that follows soon into the cache.
INLINE void prefetchBytes(const char* row, i64 from, i64 to) {
  for (i64 d = from; d < to; d += 64) __builtin_prefetch(row + d);
}

// A row where it is, and its scales.
struct Place {
  const char* row;
  const float* scales;
};

// L numbers of a row from the d-th on, as numbers of the computation. `shift` makes the index of a scale of that of a number.
template <class T, Format F>
INLINE Vector<T> loadFormat(const Place& place, i64 d, int shift) {
  if constexpr (F == Format::same) return load((const T*)place.row + d);
  else if constexpr (F == Format::float16 || F == Format::bfloat16) return loadWidened<F>((const uint16_t*)place.row + d);
  else return loadQuantized<F>(place.row, d) * place.scales[d >> shift];
}
// The same, without the scale unless `scaled`.
template <class T, Format F, bool scaled>
INLINE Vector<T> loadRow(const Place& place, i64 d, int shift) {
  if constexpr (isQuantized(F) && !scaled) return loadQuantized<F>(place.row, d);
  else return loadFormat<T, F>(place, d, shift);
}
// The first `count` lanes, of any type.
template <class T>
INLINE Vector<T> loadPartOf(Format format, const Place& place, i64 d, int count, int shift) {
  if constexpr (sizeof(T) == 4) {
    if (isQuantized(format)) {
      Vector<T> x{};
      for (int n = 0; n < count; n++) x[n] = (float)quantizedAt(format, place.row, d + n) * place.scales[(d + n) >> shift];
      return x;
    }
  }
  return loadAs<T>(format, elementOf<T>(format, (void*)place.row, d), count);
}

// work<F, scaled>() for the type of rows: quantized ones with a scale for each group of numbers are `scaled` as they are loaded.
template <class T, class Work>
INLINE auto byFormat(Format format, bool scaled, Work work) {
  if constexpr (sizeof(T) == 4) {
    if (format == Format::float16) return work.template operator()<Format::float16, false>();
    if (format == Format::bfloat16) return work.template operator()<Format::bfloat16, false>();
    if (format == Format::int8 && scaled) return work.template operator()<Format::int8, true>();
    if (format == Format::int8) return work.template operator()<Format::int8, false>();
    if (format == Format::int4 && scaled) return work.template operator()<Format::int4, true>();
    if (format == Format::int4) return work.template operator()<Format::int4, false>();
  }
  return work.template operator()<Format::same, false>();
}

// Rows at equal distances; at none where one row of zeros stands for all.
struct Line {
  Place first;
  i64 rowBytes, scaleRow;

  Place at(i64 n) const { return {first.row + n * rowBytes, first.scales + n * scaleRow}; }
};

// Places of rows one after another: in one line, or in a table of lines of 2^lineShift rows each.
struct Places {
  Line line;
  // Bytes of a row that are read. `ahead`: bytes, or rows of the table.
  i64 bytes, ahead;
  int shift;
  const Line* table = nullptr;
  int lineShift = 0;
  // Rows of the table's first line that come before the first place.
  i64 skipped = 0;

  Place at(i64 n) const {
    if (table == nullptr) return line.at(n);
    return lineOf(n).at(rowInLine(n));
  }
  const Line& lineOf(i64 n) const { return table == nullptr ? line : table[(n + skipped) >> lineShift]; }
  i64 rowInLine(i64 n) const { return (n + skipped) & ((1 << lineShift) - 1); }
  // The places from the n-th on.
  Places after(i64 n) const {
    Places later = *this;
    if (table != nullptr) later.skipped += n;
    else later.line.first = at(n);
    return later;
  }
  // Number of places from the n-th on, at most `count`, that are in one line.
  i64 inLine(i64 n, i64 count) const { return table == nullptr ? count : least(count, (1 << lineShift) - rowInLine(n)); }
  // That line from the n-th place on, and the bytes from its rows to those that follow soon.
  Line lineAt(i64 n) const { return {at(n), lineOf(n).rowBytes, lineOf(n).scaleRow}; }
  i64 aheadOf(i64 n) const { return table == nullptr ? ahead : at(n + ahead).row - at(n).row; }
  // The scales of rows n ... n + count - 1, if each has one and they lie one after another; else null.
  const float* scalesInLine(i64 n, i64 count) const {
    return lineOf(n).scaleRow == 1 && inLine(n, count) == count ? at(n).scales : nullptr;
  }
  // The rows that are prefetched beside n ... n + count - 1, if they lie one after another; else null.
  const char* denseAhead(i64 n, i64 count) const {
    if (table == nullptr) return line.rowBytes == bytes ? at(n).row + ahead : nullptr;
    const i64 later = n + ahead;
    return inLine(later, count) == count && lineOf(later).rowBytes == bytes ? at(later).row : nullptr;
  }
  // Brings a row that follows soon into the cache.
  void prefetch(i64 n, const Place& place) const {
    const char* row = table != nullptr ? at(n + ahead).row : place.row + ahead;
    for (i64 d = 0; d < bytes; d += 64) __builtin_prefetch(row + d);
  }
};

template <class T>
struct Source {
  Format format;
  const void* base;
  i64 row, depth;
  // Of quantized rows: the scales, elements from those of one row to the next, and of one page to the next.
  const float* scales;
  i64 scaleRow, scalePage;
  int shift;
  // Of rows in pages: the batch element's part of the table, keys of a page, and elements from one page to the next.
  const int32_t* table;
  i64 pageSize, page, keyLength;
  // A row of zeros.
  const char* zero;
  // Numbers of a row before those that are read, where these begin inside a group or a byte.
  i64 begin;

  bool inPlace() const { return format == Format::same && table == nullptr; }
  // Returns whether kernels can read rows where they are.
  bool inRegisters() const {
    return !isQuantized(format) || (begin == 0 && depth % LANES<T> == 0 && (shift > 31 || 32 % LANES<T> == 0));
  }
  Place place(i64 key) const {
    if (table == nullptr)
      return {(const char*)elementOf<T>(format, (void*)base, key * row), scales + key * scaleRow};
    return inPage(table[key / pageSize], key % pageSize);
  }
  Place inPage(i64 number, i64 inside) const { return lineInPage(number, inside).first; }
  Line lineInPage(i64 number, i64 inside) const {
    if (number < 0) return {{zero, (const float*)zero}, 0, 0};
    const Place first{(const char*)elementOf<T>(format, (void*)base, number * page + inside * row),
                      scales + number * scalePage + inside * scaleRow};
    return {first, bytesOf<T>(format, row), scaleRow};
  }
  bool isThere(i64 key) const { return table == nullptr || table[key / pageSize] >= 0; }
  // Number of keys from `key` on, at most `count`, that lie one after another.
  i64 run(i64 key, i64 count) const { return table == nullptr ? count : least(count, pageSize - key % pageSize); }

  // Returns whether each row has one scale, or several, of rows that kernels read where they are.
  bool scalesRows() const { return isQuantized(format) && shift > 31; }
  bool scalesGroups() const { return isQuantized(format) && shift <= 31; }
  // Brings the scales of rows in pages into the cache, which lie elsewhere with each page.
  void prefetchScales(i64 key, i64 count) const {
    if (table == nullptr || !isQuantized(format)) return;
    const i64 step = greatest(1, 16 / greatest(1, scaleRow));
    i64 column = key / pageSize, inside = key % pageSize;
    for (const i64 end = least(keyLength, key + count); key < end; column++, key += pageSize - inside, inside = 0) {
      if (table[column] < 0) continue;
      const float* page = scales + table[column] * scalePage;
      for (i64 r = inside; r < least(pageSize, inside + end - key); r += step) __builtin_prefetch(page + r * scaleRow);
    }
  }

  // `entries` has room for count + PREFETCH_ROWS + 2 lines.
  Places places(i64 key, i64 count, Line* entries) const {
    const i64 bytes = bytesOf<T>(format, depth);
    const i64 ahead = greatest(1, least(PREFETCH_ROWS, PREFETCH_BYTES / greatest(1, bytes)));
    if (table == nullptr) return {{place(key), bytesOf<T>(format, row), scaleRow}, bytes, PREFETCH_BYTES, shift};
    int lineShift = LINE_SHIFT<T>;
    while (pageSize % (1 << lineShift) != 0) lineShift--;
    const i64 lineRows = 1 << lineShift, skipped = key % lineRows, end = least(keyLength, key + count + ahead);
    const i64 lines = (skipped + count + ahead) / lineRows + 1;
    i64 n = 0, column = key / pageSize, inside = key % pageSize - skipped;
    for (i64 from = key - skipped; from < end; from += lineRows) {
      entries[n++] = lineInPage(table[column], inside);
      inside += lineRows;
      if (inside < pageSize) continue;
      inside = 0;
      column++;
    }
    // What follows the last page is not there to be prefetched.
    for (; n < lines; n++) entries[n] = entries[0];
    return {entries[0], bytes, ahead, shift, entries, lineShift, skipped};
  }

  // Elements from one widened row to the next.
  i64 wideRow() const { return paddedTo<T>(depth); }
  // Number of rows that are worked on together: whole panels.
  i64 chunk(i64 count) const {
    return inPlace() ? count : greatest(PANEL<T>, roundDown(CHUNK_NUMBERS / greatest(1, wideRow()), PANEL<T>));
  }
  // Rows key ... key + count - 1, at most a chunk. Widened rows end with 0.
  Rows<T> rows(i64 key, i64 count, T* scratch) const {
    if (inPlace()) return {(const T*)place(key).row, row};
    const i64 width = wideRow();
    for (i64 n = 0; n < count; n++) {
      const Place from = place(key + n);
      T* to = scratch + n * width;
      for (i64 d = 0; d < width; d += LANES<T>) {
        const int lanes = (int)greatest(0, least(LANES<T>, depth - d));
        store(to + d, lanes == LANES<T> ? wholeVector(from, d) : lanes > 0 ? part(from, d, lanes) : zeros<T>());
      }
    }
    return {scratch, width};
  }
  // The first `count` lanes of those from the d-th number on.
  Vector<T> part(const Place& from, i64 d, int count) const { return loadPartOf<T>(format, from, begin + d, count, shift); }
  Vector<T> wholeVector(const Place& from, i64 d) const {
    if constexpr (sizeof(T) == 4) {
      if (format == Format::float16) return loadFormat<T, Format::float16>(from, d, shift);
      if (format == Format::bfloat16) return loadFormat<T, Format::bfloat16>(from, d, shift);
      if (isQuantized(format) && !inRegisters()) return part(from, d, LANES<T>);
      if (format == Format::int8) return loadFormat<T, Format::int8>(from, d, shift);
      if (format == Format::int4) return loadFormat<T, Format::int4>(from, d, shift);
    }
    return loadFormat<T, Format::same>(from, d, shift);
  }

  // Returns whether all numbers of the rows are finite. Brings rows of floats into the second-level cache; of quantized rows,
  // only scales can be otherwise.
  bool areFinite(i64 key, i64 count, Line* entries) const {
    bool finite = true;
    if (table != nullptr && !isQuantized(format)) {
      const Places rows = places(key, count, entries);
      // One test of a page's rows instead of one for each row.
      for (i64 n = 0; n < count;) {
        const i64 here = run(key + n, count - n);
        for (i64 r = n; r < n + here; r++) rows.prefetch(r, rows.at(r));
        if (isThere(key + n)) finite &= isRunFinite(rows.at(n), here);
        n += here;
      }
      return finite;
    }
    for (i64 end = key + count; key < end;) {
      const i64 here = run(key, end - key);
      if (isThere(key)) finite &= isRunFinite(place(key), here);
      key += here;
    }
    return finite;
  }
  bool isRunFinite(const Place& from, i64 count) const {
    if (format == Format::same) {
      const auto test = table == nullptr ? heed::areFinite<T, true> : heed::areFinite<T, false>;
      return test((const T*)from.row, row, count, depth);
    }
    if (isQuantized(format)) {
      const i64 first = begin >> shift, end = ((begin + depth - 1) >> shift) + 1;
      return heed::areFinite<float>(from.scales + first, scaleRow, count, end - first);
    }
    const auto* numbers = (const uint16_t*)from.row;
    if (format == Format::float16)
      return (table == nullptr ? areFiniteBits<Format::float16, true> : areFiniteBits<Format::float16, false>)(numbers, row, count, depth);
    return (table == nullptr ? areFiniteBits<Format::bfloat16, true> : areFiniteBits<Format::bfloat16, false>)(numbers, row, count, depth);
  }
};

// Numbers of scratch for chunks of keys and of values.
template <class T>
INLINE i64 chunkNumbers(const Problem& p) {
  if (p.cacheFormat == Format::same && p.pageSize == 0) return 0;
  return greatest(CHUNK_NUMBERS, PANEL<T> * paddedTo<T>(greatest(p.headDim, p.valueDim)));
}

}  // namespace
}  // namespace heed
