// Scores of few query rows, from keys in place: each key is read once for four rows. Four keys at a time keep
// 16 sums in registers (8 where there are 16 of them); L keys' sums are then added across lanes together, two shuffles
// each. More rows on AVX-512 take quads.h.
//
// Values are read in place as well, if a tile of them is finite and their head size is a multiple of a vector;
// otherwise the tile is packed. Smaller numbers are widened in registers. Values are not tested before
// they are added: one that is not finite spoils every output, by which it is known, and the tile is done again (attend.h).
// A test before takes as long as memory takes to read them, and nothing else is done meanwhile.
//
// Integers with one scale a row are multiplied and added without it: scores are multiplied by the scales of their keys afterwards, 16
// at a time, and weights by those of their values before. One query on 8 heads of int8 took 1.45 ms with a product for each vector, and
// takes 1.25. In pages, where each run of 16 rows had a call of its own and scales were tested first, it took 3.4 ms, and takes 1.9.
#pragma once
#include "quads.h"

namespace heed {
namespace {

#if defined(HEED_AVX512) || defined(HEED_NEON)
constexpr int DOT_ROWS = 4;
#else
constexpr int DOT_ROWS = 2;
#endif
constexpr int DOT_KEYS = 4;
// Minimum and maximum number of values that all rows of a block add before the next.
constexpr i64 ADD_MINIMUM = 16, ADD_MAXIMUM = 64;

// Elements from one packed query to the next, where keys are read in place.
template <class T>
INLINE i64 directStride(i64 depth) {
  return roundUp(depth, LANES<T>);
}

// Numbers of a quantized row are multiplied by its scale at last, and their sums by a query of LARGE numbers might overflow. Such a
// query is taken SHRUNK times, and its scores GROWN times.
constexpr double LARGE = 0x1p96, SHRUNK = 0x1p-32, GROWN = 0x1p32;

template <class T>
INLINE void multiplyRow(T* row, i64 count, T factor) {
  for (i64 n = 0; n < count; n += LANES<T>) store(row + n, load(row + n) * factor);
}

template <class T>
INLINE bool hasLarge(const T* row, i64 count) {
  Integers<T> found{};
  for (i64 n = 0; n < count; n += LANES<T>) found |= (Integers<T>)(load(row + n) > (T)LARGE) | (Integers<T>)(load(row + n) < (T)-LARGE);
  return anyTrue(found);
}

template <class T>
INLINE void packDirectQueries(Block<T>& b) {
  constexpr int L = LANES<T>;
  const i64 depth = b.p.headDim, stride = directStride<T>(depth);
  for (i64 r = 0; r < roundUp(b.count, DOT_ROWS); r++) {
    const bool used = r < b.count && b.rows[r].end != 0 && !b.rows[r].bad;
    const T* row = used ? b.rows[r].query : nullptr;
    for (i64 d = 0; d < stride; d += L)
      store(b.query + r * stride + d, used ? columnsOf(row, d, depth) * (T)b.p.scale : zeros<T>());
    if (!isQuantized(b.p.cacheFormat) || !hasLarge(b.query + r * stride, stride)) continue;
    multiplyRow(b.query + r * stride, stride, (T)SHRUNK);
    b.shrunk |= 1u << r;
  }
}

// Scores of one row with L keys in one line, whose numbers the compiler knows: each key is read, and one ahead fetched, before
// the next.
template <class T, Format F, int D>
INLINE Vector<T> dotLine(const T* query, const char* row, i64 rowBytes, i64 ahead) {
  using V = Vector<T>;
  constexpr int L = LANES<T>, W = D / L;
  V q[W], sums[L];
#pragma GCC unroll 16
  for (int n = 0; n < W; n++) q[n] = load(query + n * L);
#pragma GCC unroll 16
  for (int g = 0; g < L; g++) {
    prefetchBytes(row + ahead, 0, bytesOf<T>(F, D));
    sums[g] = zeros<T>();
#pragma GCC unroll 16
    for (int n = 0; n < W; n++) sums[g] = multiplyAdd(q[n], loadRow<T, F, false>({row, nullptr}, n * L, 0), sums[g]);
    row += rowBytes;
  }
  return sumsOf<T>(sums);
}

// Scores of R rows with `keys` keys, in whole vectors; those past the last do not matter. D is the number of a row's numbers, 0
// if the compiler does not know it.
template <class T, int R, Format F, bool scaled, int D>
static __attribute__((noinline)) void dotRows(const T* query, i64 queryStride, const Places& places, i64 keys, i64 anyDepth,
                                              T* scores, i64 scoreStride) {
  using V = Vector<T>;
  constexpr int L = LANES<T>;
  constexpr int G = L < DOT_KEYS ? L : DOT_KEYS;
  const i64 depth = D > 0 ? D : anyDepth, whole = roundDown(depth, L);
  for (i64 c = 0; c < keys; c += L) {
    const i64 here = least(L, keys - c);
    const bool inOneLine = places.inLine(c, here) == here;
    const Line line = places.lineAt(c);
    const i64 ahead = places.aheadOf(c);
    if constexpr (R == 1 && D > 0) {
      if (inOneLine && here == L) {
        store(scores + c, dotLine<T, F, D>(query, line.first.row, line.rowBytes, ahead));
        continue;
      }
    }
    V sums[R][L];
    for (int j = 0; j < L; j += G) {
      Place at[G];
#pragma GCC unroll 4
      for (int g = 0; g < G; g++) {
        const i64 n = least(j + g, here - 1);
        at[g] = inOneLine ? line.at(n) : places.at(c + n);
      }
      // Memory is otherwise idle while lanes are added.
#pragma GCC unroll 4
      for (int g = 0; g < G; g++) {
        if (inOneLine) prefetchBytes(at[g].row + ahead, 0, places.bytes);
        else places.prefetch(c + least(j + g, here - 1), at[g]);
      }
      V s[R][G] = {};
      for (i64 d = 0; d < whole; d += L) {
        V k[G];
#pragma GCC unroll 4
        for (int g = 0; g < G; g++) k[g] = loadRow<T, F, scaled>(at[g], d, places.shift);
#pragma GCC unroll 4
        for (int r = 0; r < R; r++) {
          const V q = load(query + r * queryStride + d);
#pragma GCC unroll 4
          for (int g = 0; g < G; g++) s[r][g] = multiplyAdd(q, k[g], s[r][g]);
        }
      }
      if (whole < depth) {
#pragma GCC unroll 4
        for (int g = 0; g < G; g++) {
          const V k = loadPartOf<T>(F, at[g], whole, (int)(depth - whole), places.shift);
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

// The bytes of each row to come that a pass over values fetches.
struct Fetched {
  i64 from, to;
};

// Adds `keys` values, times the exponentials of R rows, to C vectors of their outputs from a column on, which are multiplied by a
// factor each first.
template <class T, int R, Format F, bool scaled, int C>
INLINE void addColumns(const T* weights, const Places& places, i64 keys, i64 column, T* output, i64 outputRow,
                       const T* factors, Fetched fetched) {
  using V = Vector<T>;
  constexpr int L = LANES<T>;
  V sums[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
    for (int n = 0; n < C; n++) sums[r][n] = load(output + r * outputRow + column + n * L) * factors[r];
  }
  for (i64 k = 0; k < keys;) {
    const Line line = places.lineAt(k);
    const i64 ahead = places.aheadOf(k), end = k + places.inLine(k, keys - k);
    for (Place at = line.first; k < end; k++) {
      if (column == 0) prefetchBytes(at.row + ahead, fetched.from, fetched.to);
      V v[C];
#pragma GCC unroll 8
      for (int n = 0; n < C; n++) v[n] = loadRow<T, F, scaled>(at, column + n * L, places.shift);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) {
        const V weight = splat<T>(weights[r * FORWARD_STRIDE<T> + k]);
#pragma GCC unroll 8
        for (int n = 0; n < C; n++) sums[r][n] = multiplyAdd(weight, v[n], sums[r][n]);
      }
      at.row += line.rowBytes;
      if (scaled) at.scales += line.scaleRow;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
    for (int n = 0; n < C; n++) store(output + r * outputRow + column + n * L, sums[r][n]);
  }
}
// The same for all columns: four vectors at a time, 16 sums for four rows; eight of one row.
template <class T, int R, Format F, bool scaled, int D>
static __attribute__((noinline)) void addValues(const T* weights, const Places& places, i64 keys, i64 anyDepth, T* output,
                                                i64 outputRow, const T* factors, Fetched anyFetched) {
  constexpr int L = LANES<T>;
  const i64 depth = D > 0 ? D : anyDepth;
  // A row alone fetches all.
  const Fetched fetched{D > 0 ? 0 : anyFetched.from, D > 0 && anyFetched.to != 0 ? bytesOf<T>(F, D) : anyFetched.to};
  i64 d = 0;
  if constexpr (R == 1) {
    for (; d + 8 * L <= depth; d += 8 * L) addColumns<T, R, F, scaled, 8>(weights, places, keys, d, output, outputRow, factors, fetched);
  }
  for (; d + 4 * L <= depth; d += 4 * L) addColumns<T, R, F, scaled, 4>(weights, places, keys, d, output, outputRow, factors, fetched);
  for (; d + 2 * L <= depth; d += 2 * L) addColumns<T, R, F, scaled, 2>(weights, places, keys, d, output, outputRow, factors, fetched);
  for (; d < depth; d += L) addColumns<T, R, F, scaled, 1>(weights, places, keys, d, output, outputRow, factors, fetched);
}

// The functions above, for rows of a type.
template <class T>
using Dot = void (*)(const T*, i64, const Places&, i64, i64, T*, i64);
template <class T>
using Add = void (*)(const T*, const Places&, i64, i64, T*, i64, const T*, Fetched);
// One row has kernels for the usual numbers of a row, where vectors are wide: all loads of a key are then under way together.
template <class T, int R, Format F, bool scaled>
struct DirectKernels {
  static constexpr bool knowsDepths = R == 1 && sizeof(T) == 4 && VECTOR_BYTES > 16 && !scaled;
  static Dot<T> dot(i64 depth) {
    if constexpr (knowsDepths) {
      if (depth == 64) return dotRows<T, R, F, scaled, 64>;
      if (depth == 128) return dotRows<T, R, F, scaled, 128>;
    }
    return dotRows<T, R, F, scaled, 0>;
  }
  static Add<T> add(i64 depth) {
    if constexpr (knowsDepths) {
      if (depth == 64) return addValues<T, R, F, scaled, 64>;
      if (depth == 128) return addValues<T, R, F, scaled, 128>;
    }
    return addValues<T, R, F, scaled, 0>;
  }
};
// Rows of a pass over values. 28 sums of seven rows, four vectors of a value, and weights from memory need all 32 registers; each
// value is decoded once instead of twice.
INLINE i64 addedRows(i64 rows) {
#if defined(HEED_AVX512)
  if (rows > DOT_ROWS && rows < 8) return rows;
#endif
  return least(rows, DOT_ROWS);
}
template <class T>
INLINE Dot<T> dotOf(Format format, bool scaled, i64 rows, i64 depth) {
  return byFormat<T>(format, scaled, [&]<Format F, bool ofGroups>() {
    if (rows == 1) return DirectKernels<T, 1, F, ofGroups>::dot(depth);
    if (rows == 2) return DirectKernels<T, 2, F, ofGroups>::dot(depth);
    return DirectKernels<T, DOT_ROWS, F, ofGroups>::dot(depth);
  });
}
template <class T>
INLINE Add<T> addOf(Format format, bool scaled, i64 rows, i64 depth) {
  return byFormat<T>(format, scaled, [&]<Format F, bool ofGroups>() {
    if (rows == 1) return DirectKernels<T, 1, F, ofGroups>::add(depth);
    if (rows == 2) return DirectKernels<T, 2, F, ofGroups>::add(depth);
#if defined(HEED_AVX512)
    if (rows == 5 || rows == 6) return DirectKernels<T, 6, F, ofGroups>::add(depth);
    if (rows == 7) return DirectKernels<T, 7, F, ofGroups>::add(depth);
#endif
    return DirectKernels<T, DOT_ROWS, F, ofGroups>::add(depth);
  });
}

// Multiplies scores or weights of the block's rows by the scales of `count` rows of keys or values, each of which has one.
template <class T>
INLINE void scaleRows(const Places& places, i64 count, T* scores, i64 rows) {
  constexpr int L = LANES<T>;
  for (i64 c = 0; c < count; c += L) {
    const i64 here = least(L, count - c);
    const float* line = here == L ? places.scalesInLine(c, L) : nullptr;
    Vector<T> scales{};
    if constexpr (sizeof(T) == 4) {
      if (line != nullptr) scales = load(line);
    }
    for (i64 n = 0; line == nullptr && n < here; n++) scales[n] = (T)places.at(c + n).scales[0];
    for (i64 r = 0; r < rows; r++) store(scores + r * FORWARD_STRIDE<T> + c, load(scores + r * FORWARD_STRIDE<T> + c) * scales);
  }
}

template <class T>
INLINE void prefetchScales(const Block<T>& b) {
  const i64 count = least(b.to, b.p.keyLength - b.tile) - b.from;
  b.keys().prefetchScales(b.tile + b.from, count);
  if (b.wants.values) b.values().prefetchScales(b.tile + b.from, count);
}

// The scores of the block's rows with columns from ... to - 1 of the open tile. Sets tileBad if any is not finite.
template <class T>
INLINE void directScores(Block<T>& b, T* chunk) {
  const i64 depth = b.p.headDim, stride = directStride<T>(depth), first = b.tile + b.from;
  const i64 count = least(b.to, b.p.keyLength - b.tile) - b.from;
  const Source<T> keys = b.keys();
  const auto dot = [&](Format format, const Places& places, i64 from, i64 here, i64 width) {
    const bool scaled = keys.scalesGroups();
    if (fitsQuads<T>(b.count, width)) return quadScores<T>(format, scaled, b.query, b.count, places, here, width, b.scores + b.from + from);
    for (i64 r = 0; r < b.count; r += DOT_ROWS)
      dotOf<T>(format, scaled, b.count - r, width)(b.query + r * stride, stride, places, here, width, b.scores + r * FORWARD_STRIDE<T> + b.from + from,
               FORWARD_STRIDE<T>);
  };
  if (keys.inRegisters()) {
    const Places places = keys.places(first, count, b.places);
    dot(keys.format, places, 0, count, depth);
    if (keys.scalesRows()) scaleRows(places, count, b.scores + b.from, b.count);
  } else {
    const i64 step = keys.chunk(count);
    for (i64 from = 0; from < count; from += step) {
      const i64 here = least(step, count - from), bytes = keys.wideRow() * (i64)sizeof(T);
      const Rows<T> rows = keys.rows(first + from, here, chunk);
      dot(Format::same, {{{(const char*)rows.from, nullptr}, bytes, 0}, 0, PREFETCH_BYTES, 63}, from, here, stride);
    }
  }
  for (i64 r = 0; b.shrunk >> r != 0; r++) {
    if (b.shrunk >> r & 1) multiplyRow(b.scores + r * FORWARD_STRIDE<T> + b.from, roundUp(count, LANES<T>), (T)GROWN);
  }
  b.tileBad = b.tileBad || !areFinite(b.scores + b.from, FORWARD_STRIDE<T>, b.count, count);
}

// Returns whether values of the tile are added before it is known that they are finite.
template <class T>
INLINE bool supposesFinite(const Block<T>& b, const Source<T>& values) {
  return b.supposesFinite && b.wants.values && b.p.valueDim % LANES<T> == 0 && values.inRegisters();
}

template <class T>
INLINE void clearBad(Block<T>& b, uint8_t* bad) {
  b.bad = bad;
  b.tileBad = false;
  __builtin_memset(bad, 0, FORWARD_KEYS<T>);
}

// Notes the values of the tile that are not finite. Also brings them into the second-level cache.
template <class T>
INLINE void checkValues(Block<T>& b, uint8_t* bad) {
  const i64 count = least(b.to, b.p.keyLength - b.tile) - b.from, first = b.tile + b.from;
  const Source<T> values = b.values();
  clearBad(b, bad);
  if (!b.wants.values || values.areFinite(first, count, b.places)) return;
  b.tileBad = true;
  for (i64 n = 0; n < count; n++) bad[b.from + n] = !values.areFinite(first + n, 1, b.places);
}

// Adds the values of the open tile, by the exponentials of the block's rows, to their outputs. Sums of a row begin with
// their own, times the row's factor.
template <class T>
INLINE void addDirectValues(Block<T>& b, T* packed, T* chunk) {
  const Problem& p = b.p;
  const i64 depth = p.valueDim, stride = paddedTo<T>(depth), first = b.tile + b.from;
  const i64 count = least(b.to, p.keyLength - b.tile) - b.from;
  const Source<T> values = b.values();
  T* weights = b.scores + b.from;
  if (depth % LANES<T> == 0 && values.inRegisters() && !b.tileBad) {
    // Other values of floats were brought in by the test of whether they are finite.
    const bool prefetches = isQuantized(values.format) || supposesFinite(b, values);
    const Places places = values.places(first, count, b.places);
    if (values.scalesRows()) scaleRows(places, count, weights, b.count);
    static constexpr T ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    // The values of a part stay in the first-level cache for rows that follow. Each pass over floats fetches its share of the next
    // part: were the first to fetch all, memory would rest while the others add. Smaller numbers wait less for memory.
    const i64 rows = addedRows(b.count), allPasses = ceilDivide(b.count, rows);
    const i64 part = allPasses > 1 ? greatest(ADD_MINIMUM, least(ADD_MAXIMUM, PREFETCH_BYTES / greatest(1, places.bytes))) : count;
    const i64 passes = values.format == Format::same ? allPasses : 1;
    const i64 lines = prefetches ? ceilDivide(places.bytes, 64) : 0;
    const auto fetchedTo = [&](i64 pass) { return least(pass, passes) * lines / passes * 64; };
    for (i64 k = 0; k < count; k += part) {
      const Places some = places.after(k);
      for (i64 pass = 0; pass < allPasses; pass++) {
        const i64 r = pass * rows;
        addOf<T>(values.format, values.scalesGroups(), b.count - r, depth)(
            weights + r * FORWARD_STRIDE<T> + k, some, least(part, count - k), depth, b.output + r * stride, stride,
            k == 0 ? b.factors + r : ones, {fetchedTo(pass), fetchedTo(pass + 1)});
      }
    }
    return;
  }
  const i64 step = values.chunk(count);
  for (i64 from = 0; from < count; from += step) {
    const i64 here = least(step, count - from);
    const Rows<T> rows = values.rows(first + from, here, chunk);
    uint8_t known[FORWARD_KEYS<T>] = {};
    packPanels<T>(rows.from, rows.row, here, depth, 1, packed, FORWARD_KEYS<T> * PANEL<T>, known);
    for (i64 r = 0; r < b.count; r += ROWS) {
      const auto product = from == 0 ? multiply<T, Begin::scaled, FORWARD_STRIDE<T>, 1> : multiply<T, Begin::sum, FORWARD_STRIDE<T>, 1>;
      product(least(ROWS, b.count - r), weights + r * FORWARD_STRIDE<T> + from, packed, PANEL<T>, FORWARD_KEYS<T> * PANEL<T>,
              b.output + r * stride, stride, here, depth, b.factors + r);
    }
  }
}

}  // namespace
}  // namespace heed
