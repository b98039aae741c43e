// Scores of few query rows, from keys in place: each key is read once for four rows. Four keys at a time keep
// 16 sums in registers (8 where there are 16 of them); L keys' sums are then added across lanes together, two shuffles
// each. More rows on AVX-512 take quads.h.
//
// Values are read in place as well, if a tile of them is finite and their head size is a multiple of a vector;
// otherwise the tile is packed. Numbers of 16 bits are widened in registers. Values in one piece are not tested before
// they are added: one that is not finite spoils every output, by which it is known, and the tile is done again (attend.h).
// A test before takes as long as memory takes to read them, and nothing else is done meanwhile.
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

template <class T>
INLINE void packDirectQueries(Block<T>& b) {
  constexpr int L = LANES<T>;
  const i64 depth = b.p.headDim, stride = directStride<T>(depth);
  for (i64 r = 0; r < roundUp(b.count, DOT_ROWS); r++) {
    const bool used = r < b.count && b.rows[r].end != 0 && !b.rows[r].bad;
    const T* row = used ? b.rows[r].query : nullptr;
    for (i64 d = 0; d < stride; d += L)
      store(b.query + r * stride + d, used ? columnsOf(row, d, depth) * (T)b.p.scale : zeros<T>());
  }
}

// Brings bytes from ... to - 1 of a row that follows soon into the cache.
INLINE void prefetchBytes(const char* row, i64 from, i64 to) {
  for (i64 d = from; d < to; d += 64) __builtin_prefetch(row + d);
}

// Scores of one row with L keys in one line, whose numbers the compiler knows: each key is read, and one ahead fetched, before
// the next.
template <class T, Format F, int D>
INLINE Vector<T> dotLine(const T* query, const Line& keys, i64 ahead, int shift) {
  using V = Vector<T>;
  constexpr int L = LANES<T>, W = D / L;
  V q[W], sums[L];
#pragma GCC unroll 16
  for (int n = 0; n < W; n++) q[n] = load(query + n * L);
  Place at = keys.first;
#pragma GCC unroll 16
  for (int g = 0; g < L; g++) {
    prefetchBytes(at.row + ahead, 0, bytesOf<T>(F, D));
    sums[g] = zeros<T>();
#pragma GCC unroll 16
    for (int n = 0; n < W; n++) sums[g] = multiplyAdd(q[n], loadFormat<T, F>(at, n * L, shift), sums[g]);
    at.row += keys.rowBytes;
    at.scales += keys.scaleRow;
  }
  return sumsOf<T>(sums);
}

// Scores of R rows with `keys` keys, in whole vectors; those past the last do not matter. D is the number of a row's numbers, 0
// if the compiler does not know it.
template <class T, int R, Format F, int D>
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
        store(scores + c, dotLine<T, F, D>(query, line, ahead, places.shift));
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
        for (int g = 0; g < G; g++) k[g] = loadFormat<T, F>(at[g], d, places.shift);
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
template <class T, int R, Format F, int C>
INLINE void addColumns(const T* weights, const Places& places, i64 keys, i64 column, T* output, i64 outputRow,
                       const T* factors, Fetched fetched) {
  using V = Vector<T>;
  constexpr int L = LANES<T>;
  V sums[R][C];
#pragma GCC unroll 4
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
      for (int n = 0; n < C; n++) v[n] = loadFormat<T, F>(at, column + n * L, places.shift);
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) {
        const V weight = splat<T>(weights[r * FORWARD_STRIDE<T> + k]);
#pragma GCC unroll 8
        for (int n = 0; n < C; n++) sums[r][n] = multiplyAdd(weight, v[n], sums[r][n]);
      }
      at.row += line.rowBytes;
      at.scales += line.scaleRow;
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 8
    for (int n = 0; n < C; n++) store(output + r * outputRow + column + n * L, sums[r][n]);
  }
}
// The same for all columns: four vectors at a time, 16 sums for four rows; eight of one row.
template <class T, int R, Format F, int D>
static __attribute__((noinline)) void addValues(const T* weights, const Places& places, i64 keys, i64 anyDepth, T* output,
                                                i64 outputRow, const T* factors, Fetched anyFetched) {
  constexpr int L = LANES<T>;
  const i64 depth = D > 0 ? D : anyDepth;
  // A row alone fetches all.
  const Fetched fetched{D > 0 ? 0 : anyFetched.from, D > 0 && anyFetched.to != 0 ? bytesOf<T>(F, D) : anyFetched.to};
  i64 d = 0;
  if constexpr (R == 1) {
    for (; d + 8 * L <= depth; d += 8 * L) addColumns<T, R, F, 8>(weights, places, keys, d, output, outputRow, factors, fetched);
  }
  for (; d + 4 * L <= depth; d += 4 * L) addColumns<T, R, F, 4>(weights, places, keys, d, output, outputRow, factors, fetched);
  for (; d + 2 * L <= depth; d += 2 * L) addColumns<T, R, F, 2>(weights, places, keys, d, output, outputRow, factors, fetched);
  for (; d < depth; d += L) addColumns<T, R, F, 1>(weights, places, keys, d, output, outputRow, factors, fetched);
}

// The functions above for rows of a type, 1, 2 or DOT_ROWS at a time.
template <class T>
struct DirectKernels {
  void (*dot)(const T*, i64, const Places&, i64, i64, T*, i64);
  void (*add)(const T*, const Places&, i64, i64, T*, i64, const T*, Fetched);
};
// One row has kernels for the usual numbers of a row, where vectors are wide: all loads of a key are then under way together.
// Runs of quantized pages, where these were not faster, keep the general kernel: `depth` is 0 there.
template <class T, int R, Format F>
INLINE DirectKernels<T> directKernels(i64 depth) {
  if constexpr (R == 1 && sizeof(T) == 4 && VECTOR_BYTES > 16) {
    if (depth == 64) return {dotRows<T, R, F, 64>, addValues<T, R, F, 64>};
    if (depth == 128) return {dotRows<T, R, F, 128>, addValues<T, R, F, 128>};
  }
  return {dotRows<T, R, F, 0>, addValues<T, R, F, 0>};
}
template <class T, Format F>
INLINE DirectKernels<T> directKernels(i64 rows, i64 depth) {
  if (rows == 1) return directKernels<T, 1, F>(depth);
  if (rows == 2) return directKernels<T, 2, F>(depth);
  return directKernels<T, DOT_ROWS, F>(depth);
}
template <class T>
INLINE DirectKernels<T> directKernelsOf(Format format, i64 rows, i64 depth) {
  if constexpr (sizeof(T) == 4) {
    if (format == Format::float16) return directKernels<T, Format::float16>(rows, depth);
    if (format == Format::bfloat16) return directKernels<T, Format::bfloat16>(rows, depth);
    if (format == Format::int8) return directKernels<T, Format::int8>(rows, depth);
    if (format == Format::int4) return directKernels<T, Format::int4>(rows, depth);
  }
  return directKernels<T, Format::same>(rows, depth);
}

// The scores of the block's rows with columns from ... to - 1 of the open tile. Sets tileBad if any is not finite.
template <class T>
INLINE void directScores(Block<T>& b, T* chunk) {
  const i64 depth = b.p.headDim, stride = directStride<T>(depth), first = b.tile + b.from;
  const i64 count = least(b.to, b.p.keyLength - b.tile) - b.from;
  const Source<T> keys = b.keys();
  const auto dot = [&](Format format, const Places& places, i64 from, i64 here, i64 width) {
    if (fitsQuads<T>(b.count, width)) return quadScores<T>(format, b.query, b.count, places, here, width, b.scores + b.from + from);
    for (i64 r = 0; r < b.count; r += DOT_ROWS)
      directKernelsOf<T>(format, b.count - r, keys.inRuns() ? 0 : width)
          .dot(b.query + r * stride, stride, places, here, width, b.scores + r * FORWARD_STRIDE<T> + b.from + from,
               FORWARD_STRIDE<T>);
  };
  if (keys.inRegisters() && keys.inRuns())
    keys.eachRun(first, count, [&](i64 from, const Places& run, i64 here) { dot(keys.format, run, from, here, depth); });
  else if (keys.inRegisters()) dot(keys.format, keys.places(first, count, b.places), 0, count, depth);
  else {
    const i64 step = keys.chunk(count);
    for (i64 from = 0; from < count; from += step) {
      const i64 here = least(step, count - from), bytes = keys.wideRow() * (i64)sizeof(T);
      const Rows<T> rows = keys.rows(first + from, here, chunk);
      dot(Format::same, {{{(const char*)rows.from, nullptr}, bytes, 0}, 0, PREFETCH_BYTES, 63}, from, here, stride);
    }
  }
  b.tileBad = b.tileBad || !areFinite(b.scores + b.from, FORWARD_STRIDE<T>, b.count, count);
}

// Returns whether values of the tile are added before it is known that they are finite.
template <class T>
INLINE bool supposesFinite(const Block<T>& b, const Source<T>& values) {
  return b.supposesFinite && b.wants.values && b.p.valueDim % LANES<T> == 0 && !isQuantized(values.format);
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
  const T* weights = b.scores + b.from;
  if (depth % LANES<T> == 0 && values.inRegisters() && !b.tileBad) {
    // Other values of floats were brought in by the test of whether they are finite.
    const bool prefetches = isQuantized(values.format) || supposesFinite(b, values);
    const auto add = [&](const Places& places, i64 from, i64 here) {
      static constexpr T ones[4] = {1, 1, 1, 1};
      // The values of a part stay in the first-level cache for rows that follow. Each pass over floats fetches its share of the next
      // part: were the first to fetch all, memory would rest while the others add. Smaller numbers wait less for memory.
      const i64 part = b.count > DOT_ROWS ? greatest(ADD_MINIMUM, least(ADD_MAXIMUM, PREFETCH_BYTES / greatest(1, places.bytes))) : here;
      const i64 passes = values.format == Format::same ? ceilDivide(b.count, DOT_ROWS) : 1;
      const i64 lines = prefetches ? ceilDivide(places.bytes, 64) : 0;
      const auto fetchedTo = [&](i64 pass) { return least(pass, passes) * lines / passes * 64; };
      for (i64 k = 0; k < here; k += part) {
        const Places some = places.after(k);
        for (i64 r = 0; r < b.count; r += DOT_ROWS)
          directKernelsOf<T>(values.format, b.count - r, values.inRuns() ? 0 : depth)
              .add(weights + r * FORWARD_STRIDE<T> + from + k, some, least(part, here - k), depth, b.output + r * stride, stride,
                   from + k == 0 ? b.factors + r : ones,
                   {fetchedTo(r / DOT_ROWS), fetchedTo(r / DOT_ROWS + 1)});
      }
    };
    if (values.inRuns())
      values.eachRun(first, count, [&](i64 from, const Places& run, i64 here) { add(run, from, here); });
    else add(values.places(first, count, b.places), 0, count);
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
