// A block of query rows that a task works on, and its record of each row.
//
// Rows count through all heads of the group at one position before the next position: neighbors then see nearly the
// same keys.
#pragma once
#include "source.h"

namespace heed {
namespace {

constexpr i64 NO_KEYS = INT64_MAX;
// Number of query rows ahead of its test that a row is prefetched.
constexpr i64 PREFETCH_QUERIES = 8;

template <class T>
struct Row {
  i64 index, head;
  // Position of the row in [B, Hq, Lq].
  i64 place;
  // Columns first ... end - 1, without those of the gap, are those that causal, window and lengths leave. Only a ring has a
  // gap, between its last key and its first.
  i64 first, end, gap, gapEnd;
  double position;
  // Its numbers: in place, or widened into the thread's scratch.
  const T* query;
  const void *mask, *bias;
  i64 dBias;
  int32_t segment;
  T slope;
  T max, inverse, mean;
  // For the gradient: rowsum(dO O), the weight of the sink, and whether the row attends to nothing.
  double total;
  T sinkShare;
  bool empty;
  i64 choice;
  double best;
  // True if something not finite reaches it.
  bool bad;
};

template <class T>
struct Block {
  const Run& run;
  const Problem& p;
  const Plan& plan;
  const Wants wants;
  i64 batch, kvHead, slot;
  i64 firstRow, count;
  // The columns that any of the rows sees.
  i64 firstKey, endKey;
  // Of a ring: columns before `turn` hold keys of the last round.
  i64 turn = 0, newer = 0, older = 0;
  // The open tile, and columns from ... to - 1 of it that any row of the open group sees.
  i64 tile, from, to;
  // Bit r is set if the packed query of row r is smaller than it is (direct.h).
  uint32_t shrunk = 0;
  // Bit g is set if the output of row group g has begun.
  uint32_t begun = 0;
  bool tileBad, tileMissing = false;
  // Until a value that is not finite was met.
  bool supposesFinite = true;
  const uint8_t* bad;
  // The thread's scratch.
  Row<T>* rows;
  // Zeros, as many as a row of keys or values may have; the places of the open tile's keys.
  const char* zeroRow = nullptr;
  Line* places = nullptr;
  T *query, *wideQuery, *scores, *output, *sums, *maxima, *factors, *kept;

  template <class U>
  U* operand(Operand name) const {
    return (U*)run.operands[name];
  }
  // Address of a row of an operand of the problem's element type.
  void* rowOf(Operand name, const Strides& s, const Row<T>& row) const {
    return elementOf<T>(p.format, run.operands[name], batch * s.batch + row.head * s.head + row.index * s.row);
  }
  Source<T> keys() const { return cache(Operand::key, p.key, p.headDim, Operand::keyScales, p.keyScales, p.keyGroup); }
  Source<T> values() const {
    if (p.valueStart < 0) return cache(Operand::value, p.value, p.valueDim, Operand::valueScales, p.valueScales, p.valueGroup);
    Source<T> source = cache(Operand::key, p.value, p.valueDim, Operand::keyScales, p.valueScales, p.valueGroup);
    const i64 whole = p.valueGroup == 32 ? 32 : p.cacheFormat == Format::int4 ? 2 : 1;
    if (p.valueStart % whole != 0) source.begin = p.valueStart;
    else {
      source.base = elementOf<T>(p.cacheFormat, (void*)source.base, p.valueStart);
      source.scales += p.valueStart >> source.shift;
    }
    return source;
  }
  // The key of a column.
  i64 keyAt(i64 column) const { return column + (column < turn ? newer : older); }
  Source<T> cache(Operand name, const Strides& s, i64 depth, Operand scales, const Strides& ofScales, i64 group) const {
    const bool paged = p.pageSize > 0;
    const i64 element = paged ? 0 : batch;
    return {
        .format = p.cacheFormat,
        .base = elementOf<T>(p.cacheFormat, run.operands[name], element * s.batch + kvHead * s.head),
        .row = s.row,
        .depth = depth,
        .scales = (const float*)run.operands[scales] + element * ofScales.batch + kvHead * ofScales.head,
        .scaleRow = ofScales.row,
        .scalePage = ofScales.batch,
        .shift = group == 32 ? 5 : 63,
        .table = paged ? operand<const int32_t>(Operand::blockTable) + batch * (p.keyLength / p.pageSize) : nullptr,
        .pageSize = p.pageSize,
        .page = s.batch,
        .keyLength = p.keyLength,
        .zero = zeroRow,
        .begin = 0,
    };
  }
  // Sets `tileMissing` if a key of the columns from ... to - 1 of the open tile is in no page.
  void noteMissing() {
    tileMissing = false;
    if (p.pageSize == 0) return;
    const int32_t* table = operand<const int32_t>(Operand::blockTable) + batch * (p.keyLength / p.pageSize);
    const i64 end = least(p.keyLength, tile + to);
    for (i64 page = (tile + from) / p.pageSize; page * p.pageSize < end; page++) tileMissing |= table[page] < 0;
  }
  void* outputRow(const Row<T>& row) const { return rowOf(Operand::output, p.output, row); }
  void* weightsRow(const Row<T>& row) const {
    return elementOf<T>(p.format, run.operands[Operand::weights], row.place * p.keyLength);
  }
};

// `depth` numbers of a row: in place, or widened to `wide`.
template <class T>
INLINE const T* numbersOfRow(Format format, const void* row, i64 depth, T* wide) {
  if (format == Format::same) return (const T*)row;
  for (i64 d = 0; d < depth; d += LANES<T>) {
    const int count = (int)least(LANES<T>, depth - d);
    const Vector<T> x = loadAs<T>(format, elementOf<T>(format, (void*)row, d), count);
    if (count == LANES<T>) store(wide + d, x);
    else storePart(wide + d, x, count);
  }
  return wide;
}

// Scratch is handed out in places that are multiples of 64 bytes.
struct Region {
  i64 bytes = 0;
  template <class T>
  i64 take(i64 count) {
    const i64 at = bytes;
    bytes += roundUp(count * (i64)sizeof(T), 64);
    return at;
  }
};

INLINE i64 perBatch(const Run& run, Operand name, i64 batch) {
  return ((const int32_t*)run.operands[name])[batch];
}

// Keys first ... end - 1 hold all keys of a segment.
struct Stretch {
  i64 first, end;
};
INLINE Stretch stretchOf(int32_t segment, const int32_t* keySegments, i64 keyLength) {
  Stretch found{0, keyLength};
  while (found.first < found.end && keySegments[found.first] != segment) found.first++;
  while (found.end > found.first && keySegments[found.end - 1] != segment) found.end--;
  return found;
}

// Turns the keys of a row of a ring into columns.
template <class T>
INLINE void turnToColumns(const Block<T>& b, Row<T>& row) {
  if (row.first >= b.newer) {
    row.first -= b.newer;
    row.end -= b.newer;
  } else if (row.end <= b.newer) {
    row.first -= b.older;
    row.end -= b.older;
  } else {
    row.gap = row.end - b.newer;
    row.gapEnd = row.first - b.older;
    row.first = 0;
    row.end = b.p.keyLength;
  }
}

// Lengths of a batch element.
struct Lengths {
  i64 key, query, offset, firstKey;
};
template <class T>
INLINE Lengths lengthsOf(const Block<T>& b) {
  const Problem& p = b.p;
  const i64 key = p.hasKeyLengths ? perBatch(b.run, Operand::keyLengths, b.batch) : p.keyLength;
  const i64 query = p.hasQueryLengths ? perBatch(b.run, Operand::queryLengths, b.batch) : p.queryLength;
  i64 offset = 0;
  if (p.alignment == Alignment::bottomRight) offset = key - query;
  if (p.alignment == Alignment::offset) offset = perBatch(b.run, Operand::offsets, b.batch);
  return {key, query, offset, p.hasKeyStarts ? perBatch(b.run, Operand::keyStarts, b.batch) : 0};
}

// Keys that a row sees: SPEC.md, clauses alignment, causal, window, lengths and ring; in double, which cannot wrap. Of a
// segment, those outside of `stretch` are left out.
template <class T>
INLINE void openRange(Block<T>& b, Row<T>& row, const Lengths& lengths, const Stretch& stretch) {
  const Problem& p = b.p;
  const i64 keyLength = lengths.key;
  row.position = (double)row.index + (double)lengths.offset;
  row.first = p.ring ? greatest(0, keyLength - p.keyLength) : 0;
  row.end = row.index < lengths.query ? keyLength : 0;
  row.gap = row.gapEnd = 0;
  if (p.ranged) {
    const double first = row.position - p.left, end = row.position + p.right + 1;
    if (first > (double)row.first) row.first = first < (double)keyLength ? (i64)first : keyLength;
    if (end < (double)row.end) row.end = end > 0 ? (i64)end : 0;
  }
  row.first = greatest(row.first, lengths.firstKey);
  if (b.newer > 0 && row.first < row.end) turnToColumns(b, row);
  row.first = greatest(row.first, stretch.first);
  row.end = least(row.end, stretch.end);
  if (row.first >= row.end) {
    row.first = NO_KEYS;
    row.end = 0;
    return;
  }
  b.firstKey = least(b.firstKey, row.first);
  b.endKey = greatest(b.endKey, row.end);
}

// Notes the rows that something not finite reaches. One test serves as many rows as a vector has lanes.
template <class T>
INLINE void noteBadRows(Block<T>& b) {
  constexpr int L = LANES<T>;
  const i64 depth = b.p.headDim;
  for (i64 first = 0; first < b.count; first += L) {
    const i64 end = least(b.count, first + L);
    Vector<T> traces[2] = {};
    for (i64 r = first; r < end; r++) {
      if (r + PREFETCH_QUERIES < b.count) prefetchRow(b.rows[r + PREFETCH_QUERIES].query, depth);
      addTraces(b.rows[r].query, depth, traces);
    }
    const bool anyBad = anyNaN<T>(traces[0] + traces[1]);
    for (i64 r = first; r < end; r++) {
      Row<T>& row = b.rows[r];
      row.bad = (anyBad && !areFinite(row.query, 0, 1, depth)) || (b.p.hasAlibi && !isFinite(row.slope));
    }
  }
}

// Turns to rows firstRow ... firstRow + count - 1 of a key/value head.
template <class T>
INLINE void openRows(Block<T>& b) {
  const Problem& p = b.p;
  b.firstKey = NO_KEYS;
  b.endKey = 0;
  const Lengths lengths = lengthsOf(b);
  if (p.ring && lengths.key > p.keyLength && p.keyLength > 0) {
    b.turn = lengths.key % p.keyLength;
    b.newer = lengths.key - b.turn;
    b.older = b.newer - p.keyLength;
  }
  // Neighbors are mostly of one segment.
  Stretch stretch{0, p.keyLength};
  bool isKnown = false;
  int32_t segment = 0;
  for (i64 r = 0; r < b.count; r++) {
    Row<T>& row = b.rows[r];
    row.index = (b.firstRow + r) / p.group;
    row.head = b.kvHead * p.group + (b.firstRow + r) % p.group;
    row.place = (b.batch * p.heads + row.head) * p.queryLength + row.index;
    if (p.hasSegments) {
      row.segment = b.template operand<int32_t>(Operand::querySegments)[b.batch * p.queryLength + row.index];
      if (!isKnown || row.segment != segment) {
        segment = row.segment;
        stretch = stretchOf(segment, b.template operand<const int32_t>(Operand::keySegments) + b.batch * p.keyLength, p.keyLength);
        isKnown = true;
      }
    }
    openRange(b, row, lengths, stretch);
    const auto start = [&](const Broadcast& s) { return b.batch * s.batch + row.head * s.head + row.index * s.row; };
    if (p.maskKind == Mask::boolean) row.mask = b.template operand<uint8_t>(Operand::mask) + start(p.mask);
    if (p.maskKind == Mask::floating) row.mask = elementOf<T>(p.format, b.run.operands[Operand::mask], start(p.mask));
    if (p.hasBias) {
      row.dBias = start(p.bias);
      row.bias = elementOf<T>(p.format, b.run.operands[Operand::bias], row.dBias);
    }
    if (p.hasAlibi) row.slope = b.template operand<T>(Operand::alibiSlopes)[row.head];
    row.max = (T)-INF;
    row.choice = -1;
    row.best = -INF;
    row.query = numbersOfRow(p.format, b.rowOf(Operand::query, p.query, row), p.headDim, b.wideQuery + r * p.headDim);
  }
  noteBadRows(b);
}

// Queries of the block times the scale, as products read them. A row that sees no key may hold anything.
template <class T>
INLINE void packQueries(Block<T>& b) {
  const Problem& p = b.p;
  for (i64 r = 0; r < b.count; r += ROWS) {
    const T* rows[ROWS];
    const i64 count = least(ROWS, b.count - r);
    for (i64 n = 0; n < count; n++) {
      const Row<T>& row = b.rows[r + n];
      rows[n] = row.end == 0 || row.bad ? nullptr : row.query;
    }
    packInterleaved<T>(rows, count, p.headDim, (T)p.scale, b.query + r * p.headDim);
  }
}

// Sets from and to to the columns of the tile that any of the rows sees: whole panels at the start, whole vectors at the
// end. Returns whether there are any.
template <class T>
INLINE bool openGroup(Block<T>& b, i64 group, i64 count, i64 tileKeys) {
  i64 first = NO_KEYS, end = 0;
  for (i64 r = group; r < group + count; r++) {
    if (b.rows[r].gap <= b.tile && b.rows[r].gapEnd >= b.tile + tileKeys) continue;
    first = least(first, b.rows[r].first);
    end = greatest(end, b.rows[r].end);
  }
  if (first >= b.tile + tileKeys || end <= b.tile) return false;
  b.from = roundDown(greatest(0, first - b.tile), PANEL<T>);
  b.to = roundUp(least(tileKeys, end - b.tile), LANES<T>);
  return b.from < b.to;
}

// Waits until other tasks have counted up to the target. Returns false once the run must end early.
INLINE bool waitFor(const Run& run, const int32_t* counter, i64 target) {
  for (int spins = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < target; spins++) {
    if (__atomic_load_n(run.stop, __ATOMIC_RELAXED) != 0) return false;
    if (spins > 200) run.yield();
#if defined(__x86_64__)
    else __builtin_ia32_pause();
#endif
  }
  return true;
}
// Returns the count before.
INLINE i64 countUp(int32_t* counter) { return __atomic_fetch_add(counter, 1, __ATOMIC_ACQ_REL); }

}  // namespace
}  // namespace heed
