// Products of matrices in register tiles: R rows of A, C vectors of columns of B. A's numbers are broadcast, B's vectors
// are read from panels of 2 vectors, W columns, one row of a panel after another.
//
// AVX-512 has 32 registers: 12 x 2 sums, two vectors of B, one of A. 8 x 3 needs as many loads for a sum but pads columns
// to 48. AVX2 and SSE have 16: 6 x 2 and 4 x 2.
#pragma once
#include "vector.h"

namespace heed {
namespace {

#if defined(HEED_AVX512) || defined(HEED_NEON)
constexpr int ROWS = 12;
#elif defined(HEED_AVX2)
constexpr int ROWS = 6;
#else
constexpr int ROWS = 4;
#endif

// Columns of a panel.
template <class T>
constexpr int PANEL = 2 * LANES<T>;

// Initial value of a sum: 0, the content of C, or that times a factor for each row.
enum class Begin { zero, sum, scaled };

// Order of A's numbers: row after row, or R rows interleaved; a step is one row of B.
struct Left {
  i64 row, step;
};

// Bytes from a step of B to the one that is fetched beside it, where B comes from memory: the processor's own prefetcher stops at
// each page. Of 1 to 64 KB, this was best (10 rows and 42 MB of weights: 2.3 to 1.8 ms).
constexpr i64 AHEAD_BYTES = 8192;

// With `ahead`, B is read for the first time.
template <class T, int R, int C, Begin begin, bool ahead = false>
INLINE void multiplyTile(const T* a, Left left, const T* b, i64 bStep, T* c, i64 cRow, i64 depth, const T* factors) {
  constexpr int L = LANES<T>;
  Vector<T> sums[R][C];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int n = 0; n < C; n++) {
      if constexpr (begin == Begin::zero) sums[r][n] = zeros<T>();
      if constexpr (begin == Begin::sum) sums[r][n] = load(c + r * cRow + n * L);
      if constexpr (begin == Begin::scaled) sums[r][n] = load(c + r * cRow + n * L) * factors[r];
    }
  }
#pragma GCC unroll 2
  for (i64 k = 0; k < depth; k++) {
    Vector<T> columns[C];
#pragma GCC unroll 2
    for (int n = 0; n < C; n++) {
      columns[n] = load(b + n * L);
      if constexpr (ahead) __builtin_prefetch((const char*)(b + n * L) + AHEAD_BYTES);
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      Vector<T> x = splat<T>(a[r * left.row]);
#pragma GCC unroll 2
      for (int n = 0; n < C; n++) sums[r][n] = multiplyAdd(x, columns[n], sums[r][n]);
    }
    a += left.step;
    b += bStep;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int n = 0; n < C; n++) store(c + r * cRow + n * L, sums[r][n]);
  }
}

// C = A B over `columns` columns of B, in whole vectors. Panels are `panelStep` apart.
template <class T, int R, Begin begin, i64 aRow, i64 aStep>
static __attribute__((noinline)) void multiplyRows(const T* a, const T* b, i64 bStep, i64 panelStep, T* c, i64 cRow,
                                                   i64 depth, i64 columns, const T* factors) {
  constexpr int L = LANES<T>;
  i64 column = 0;
  for (; column + L < columns; column += PANEL<T>) {
    multiplyTile<T, R, 2, begin>(a, {aRow, aStep}, b, bStep, c + column, cRow, depth, factors);
    b += panelStep;
  }
  if (column < columns) multiplyTile<T, R, 1, begin>(a, {aRow, aStep}, b, bStep, c + column, cRow, depth, factors);
}

// The same for 1 ... ROWS rows. A has ROWS rows, or enough memory past the last to read as many as the tile has.
template <class T, Begin begin, i64 aRow, i64 aStep>
INLINE void multiply(i64 rows, const T* a, const T* b, i64 bStep, i64 panelStep, T* c, i64 cRow, i64 depth, i64 columns,
                     const T* factors) {
  constexpr int third = ROWS >= 6 ? ROWS / 3 : ROWS / 2;
  if (rows > 2 * third || rows > ROWS - third)
    multiplyRows<T, ROWS, begin, aRow, aStep>(a, b, bStep, panelStep, c, cRow, depth, columns, factors);
  else if (rows > third)
    multiplyRows<T, 2 * third, begin, aRow, aStep>(a, b, bStep, panelStep, c, cRow, depth, columns, factors);
  else
    multiplyRows<T, third, begin, aRow, aStep>(a, b, bStep, panelStep, c, cRow, depth, columns, factors);
}

}  // namespace
}  // namespace heed
