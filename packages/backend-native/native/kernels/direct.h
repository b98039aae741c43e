// Scores of few query rows, from keys in place: each key is read once for four rows. Four keys at a time keep
// 16 sums in registers (8 where there are 16 of them); L keys' sums are then added across lanes together, two shuffles
// each.
//
// Values are read in place as well, if a tile of them is finite and their head size is a multiple of a vector;
// otherwise the tile is packed.
#pragma once
#include "block.h"

namespace heed {
namespace {

#if defined(HEED_AVX512) || defined(HEED_NEON)
constexpr int DOT_ROWS = 4;
#else
constexpr int DOT_ROWS = 2;
#endif
constexpr int DOT_KEYS = 4;

// Elements from one packed query to the next, where keys are read in place.
template <class T>
INLINE i64 directStride(i64 depth) {
  return roundUp(depth, LANES<T>);
}

template <class T>
INLINE void packDirectQueries(Block<T>& b) {
  constexpr int L = LANES<T>;
  const i64 depth = b.p.headDim, stride = directStride<T>(depth);
  for (i64 r = 0; r < roundUp(b.count, DOT_ROWS); r++) {
    const bool used = r < b.count && b.rows[r].end != 0 && !b.rows[r].bad;
    const T* row = used ? b.rowOf(Operand::query, b.p.query, b.rows[r]) : nullptr;
    for (i64 d = 0; d < stride; d += L)
      store(b.query + r * stride + d, used ? columnsOf(row, d, depth) * (T)b.p.scale : zeros<T>());
  }
}

// Scores of R rows with `keys` keys, in whole vectors; those past the last do not matter.
template <class T, int R>
static __attribute__((noinline)) void dotRows(const T* query, i64 queryStride, const T* key, i64 keyRow, i64 keys,
                                              i64 depth, T* scores, i64 scoreStride) {
  using V = Vector<T>;
  constexpr int L = LANES<T>;
  constexpr int G = L < DOT_KEYS ? L : DOT_KEYS;
  const i64 whole = roundDown(depth, L);
  for (i64 c = 0; c < keys; c += L) {
    V sums[R][L];
    for (int j = 0; j < L; j += G) {
      const T* at[G];
#pragma GCC unroll 4
      for (int g = 0; g < G; g++) at[g] = key + least(c + j + g, keys - 1) * keyRow;
      // Memory is otherwise idle while lanes are added.
#pragma GCC unroll 4
      for (int g = 0; g < G; g++) prefetchBehind(at[g], depth);
      V s[R][G] = {};
      for (i64 d = 0; d < whole; d += L) {
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
          const V q = load(query + r * queryStride + d);
#pragma GCC unroll 4
          for (int g = 0; g < G; g++) s[r][g] = multiplyAdd(q, load(at[g] + d), s[r][g]);
        }
      }
      if (whole < depth) {
#pragma GCC unroll 4
        for (int g = 0; g < G; g++) {
          const V k = loadPart(at[g] + whole, (int)(depth - whole));
#pragma GCC unroll 4
          for (int r = 0; r < R; r++) s[r][g] = multiplyAdd(load(query + r * queryStride + whole), k, s[r][g]);
        }
      }
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) {
#pragma GCC unroll 4
        for (int g = 0; g < G; g++) sums[r][j + g] = s[r][g];
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) store(scores + r * scoreStride + c, sumsOf<T>(sums[r]));
  }
}

// The scores of the block's rows with columns from ... to - 1 of the open tile. Sets tileBad if any is not finite.
template <class T>
INLINE void directScores(Block<T>& b) {
  const i64 depth = b.p.headDim, stride = directStride<T>(depth);
  const i64 end = least(b.to, b.p.keyLength - b.tile);
  for (i64 r = 0; r < b.count; r += DOT_ROWS) {
    const auto dot = b.count - r == 1 ? dotRows<T, 1> : b.count - r == 2 ? dotRows<T, 2> : dotRows<T, DOT_ROWS>;
    dot(b.query + r * stride, stride, b.keyRow(b.tile + b.from), b.p.key.row, end - b.from, depth,
        b.scores + r * FORWARD_STRIDE<T> + b.from, FORWARD_STRIDE<T>);
  }
  b.tileBad = b.tileBad || !areFinite(b.scores + b.from, FORWARD_STRIDE<T>, b.count, end - b.from);
}

// Notes the values of the tile that are not finite. Also brings them into the second-level cache.
template <class T>
INLINE void checkValues(Block<T>& b, uint8_t* bad) {
  const i64 count = least(b.to, b.p.keyLength - b.tile) - b.from;
  const T* value = b.valueRow(b.tile + b.from);
  b.bad = bad;
  b.tileBad = false;
  __builtin_memset(bad, 0, FORWARD_KEYS<T>);
  if (!b.wants.values || areFinite<T, true>(value, b.p.value.row, count, b.p.valueDim)) return;
  b.tileBad = true;
  for (i64 n = 0; n < count; n++) bad[b.from + n] = !areFinite(value + n * b.p.value.row, 0, 1, b.p.valueDim);
}

// Adds the values of the open tile, by the exponentials of the block's rows, to their outputs. Sums of a row begin with
// their own, times the row's factor.
template <class T>
INLINE void addDirectValues(Block<T>& b, T* packed) {
  const Problem& p = b.p;
  const i64 depth = least(b.to, p.keyLength - b.tile) - b.from, stride = paddedTo<T>(p.valueDim);
  const bool inPlace = p.valueDim % LANES<T> == 0 && !b.tileBad;
  const T* value = b.valueRow(b.tile + b.from);
  uint8_t known[FORWARD_KEYS<T>] = {};
  if (!inPlace) packPanels<T>(value, p.value.row, depth, p.valueDim, 1, packed, FORWARD_KEYS<T> * PANEL<T>, known);
  for (i64 r = 0; r < b.count; r += ROWS)
    multiply<T, Begin::scaled, FORWARD_STRIDE<T>, 1>(
        least(ROWS, b.count - r), b.scores + r * FORWARD_STRIDE<T> + b.from, inPlace ? value : packed,
        inPlace ? p.value.row : PANEL<T>, inPlace ? PANEL<T> : FORWARD_KEYS<T> * PANEL<T>, b.output + r * stride, stride,
        depth, p.valueDim, b.factors + r);
}

}  // namespace
}  // namespace heed
