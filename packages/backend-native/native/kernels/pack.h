// Copies of rows in the order in which products read them.
//
// A row that is not finite is packed as 0 and noted: padding must not reach results, and 0 times NaN would. Where such a
// row is attended to, its scores become NaN instead. One test serves as many rows as a vector has lanes, so that clean
// keys cost one operation a vector.
#pragma once
#include "tiling.h"

namespace heed {
namespace {

// Adds 0 times the numbers of a row, which is NaN for those that are not finite.
template <class T>
INLINE void addTraces(const T* row, i64 depth, Vector<T> (&traces)[2]) {
  constexpr int L = LANES<T>;
  const i64 whole = roundDown(depth, L);
  i64 d = 0;
  for (; d + 2 * L <= whole; d += 2 * L) {
    traces[0] += load(row + d) * (T)0;
    traces[1] += load(row + d + L) * (T)0;
  }
  if (d < whole) traces[0] += load(row + d) * (T)0;
  if (whole < depth) traces[1] += loadPart(row + whole, (int)(depth - whole)) * (T)0;
}

// Returns whether all of `count` rows are finite: 0 times them is then 0.
template <class T, bool prefetch = false>
INLINE bool areFinite(const T* from, i64 row, i64 count, i64 depth) {
  Vector<T> traces[2] = {};
  for (i64 r = 0; r < count; r++) {
    if (prefetch) prefetchBehind(from + r * row, depth);
    addTraces(from + r * row, depth, traces);
  }
  return !anyNaN<T>(traces[0] + traces[1]);
}

// L columns d ... d + L - 1 of a row, 0 past its end.
template <class T>
INLINE Vector<T> columnsOf(const T* row, i64 d, i64 depth) {
  return d + LANES<T> <= depth ? load(row + d) : loadPart(row + d, (int)(depth - d));
}

// Rows as columns: element d of row r goes to to[d * step + r]. At most L rows; to has room for L at each d. Rows whose
// bit of `dirty` is set become 0.
template <class T>
INLINE void packColumns(const T* from, i64 row, i64 count, i64 depth, T factor, uint64_t dirty, T* to, i64 step) {
  constexpr int L = LANES<T>;
  for (i64 d = 0; d < depth; d += L) {
    Vector<T> v[L];
#pragma GCC unroll 16
    for (int r = 0; r < L; r++) {
      const bool given = r < count && !(dirty >> r & 1);
      v[r] = given ? columnsOf(from + r * row, d, depth) * factor : zeros<T>();
    }
    transpose<T>(v);
    const i64 columns = least(L, depth - d);
    for (i64 n = 0; n < columns; n++) store(to + (d + n) * step, v[n]);
  }
}

// Returns bits: bit r is set if row r of at most L is not finite.
template <class T>
INLINE uint64_t dirtyRows(const T* from, i64 row, i64 count, i64 depth) {
  if (areFinite<T, true>(from, row, count, depth)) return 0;
  uint64_t dirty = 0;
  for (i64 r = 0; r < count; r++) dirty |= (uint64_t)!areFinite(from + r * row, row, 1, depth) << r;
  return dirty;
}

INLINE bool note(uint64_t dirty, i64 count, uint8_t* bad) {
  for (i64 r = 0; dirty != 0 && r < count; r++) bad[r] |= dirty >> r & 1;
  return dirty != 0;
}

// Keys for products with rows of queries: panels of W keys, [depth][W] each. Returns whether any is not finite, in
// which case bad[key] becomes 1.
template <class T>
INLINE bool packTransposed(const T* from, i64 row, i64 count, i64 depth, T* to, uint8_t* bad) {
  constexpr int L = LANES<T>;
  bool anyBad = false;
  for (i64 key = 0; key < roundUp(count, PANEL<T>); key += L) {
    const i64 here = greatest(0, least(L, count - key));
    const uint64_t dirty = dirtyRows(from + key * row, row, here, depth);
    anyBad |= note(dirty, here, bad + key);
    T* panel = to + roundDown(key, PANEL<T>) * depth + key % PANEL<T>;
    packColumns<T>(from + key * row, row, here, depth, 1, dirty, panel, PANEL<T>);
  }
  return anyBad;
}

// Rows for products with their columns: panels of W columns, one row after another in each, panels `panelStep` apart.
template <class T>
INLINE bool packPanels(const T* from, i64 row, i64 count, i64 depth, T factor, T* to, i64 panelStep, uint8_t* bad) {
  constexpr int L = LANES<T>;
  bool anyBad = false;
  for (i64 first = 0; first < count; first += L) {
    const i64 here = least(L, count - first);
    const uint64_t dirty = dirtyRows(from + first * row, row, here, depth);
    anyBad |= note(dirty, here, bad + first);
    for (i64 r = 0; r < here; r++) {
      const T* source = from + (first + r) * row;
      T* target = to + (first + r) * PANEL<T>;
      const bool given = !(dirty >> r & 1);
      for (i64 d = 0; d < roundUp(depth, PANEL<T>); d += L) {
        const Vector<T> v = given && d < depth ? columnsOf(source, d, depth) * factor : zeros<T>();
        store(target + d / PANEL<T> * panelStep + d % PANEL<T>, v);
      }
    }
  }
  return anyBad;
}

// ROWS rows interleaved, [depth][ROWS], as products broadcast them. Rows past `count` become 0. The stores overlap, later
// ones being right, and need room for L - ROWS elements more past the last.
template <class T>
INLINE void packInterleaved(const T* const* rows, i64 count, i64 depth, T factor, T* to) {
  constexpr int L = LANES<T>;
  constexpr int chunks = (ROWS + L - 1) / L;
  for (int chunk = chunks - 1; chunk >= 0; chunk--) {
    for (i64 d = 0; d < depth; d += L) {
      Vector<T> v[L];
#pragma GCC unroll 16
      for (int r = 0; r < L; r++) {
        const i64 n = chunk * L + r;
        v[r] = n < count && n < ROWS && rows[n] != nullptr ? columnsOf(rows[n], d, depth) * factor : zeros<T>();
      }
      transpose<T>(v);
      const i64 columns = least(L, depth - d);
      for (i64 n = 0; n < columns; n++) store(to + (d + n) * ROWS + chunk * L, v[n]);
    }
  }
}

}  // namespace
}  // namespace heed
