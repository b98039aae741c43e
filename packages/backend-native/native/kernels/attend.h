// Forward, one task at a time.
//
// One pass over tiles of keys for each block of query rows (Dao, Fu, Ermon, Rudra and Re, "FlashAttention", NeurIPS 2022,
// algorithm 1; with the queries in the outer loop and one division at the end as in Dao, "FlashAttention-2", 2023,
// section 3.1).
//
// The tasks of a key/value head are: packing its tiles; attending to them, a block of rows and a split of the keys each.
// The last split to end merges all of its block, in the order of the keys ("Flash-Decoding for long-context inference",
// Dao, Haziza, Massa and Sizov 2023).
#pragma once
#include "direct.h"
#include "dropout.h"
#include "finish.h"
#include "flush.h"
#include "score_steps.h"
#include "softmax.h"

namespace heed {
namespace {

// Number of bytes of packed keys and values in the scratch at one time, if that is enough for one head.
constexpr i64 SLOT_BYTES = 1 << 26;

struct ForwardScratch {
  i64 rows, query, wideQuery, scores, output, sums, maxima, factors, saved, values, chunk, kept, places, zero, bad, bytes;
};

// Returns whether the scratch of a thread holds the scores of a block, until they become weights of 16 bits.
INLINE bool keepsScores(const Problem& p) {
  return p.format != Format::same && p.wantsWeights && p.selection == Selection::softmax;
}

// Numbers of the row that stands for those in no page.
template <class T>
INLINE i64 zeroNumbers(const Problem& p) {
  return p.pageSize > 0 ? paddedTo<T>(greatest(p.headDim, p.valueDim)) : 0;
}

template <class T>
INLINE ForwardScratch forwardScratch(const Problem& p, const Plan& plan) {
  const bool direct = plan.direct;
  const i64 blockRows = roundUp(direct ? DIRECT_ROWS : plan.blockRows, ROWS);
  Region region;
  ForwardScratch s;
  s.rows = region.take<Row<T>>(blockRows);
  s.query = region.take<T>((direct ? directStride<T>(p.headDim) : p.headDim) * blockRows + LANES<T>);
  s.wideQuery = region.take<T>(p.format == Format::same ? 0 : p.headDim * blockRows);
  s.scores = region.take<T>((direct ? blockRows : ROWS) * FORWARD_STRIDE<T>);
  s.output = region.take<T>(blockRows * paddedTo<T>(p.valueDim));
  s.sums = region.take<T>(blockRows * LANES<T>);
  s.maxima = region.take<T>(blockRows + LANES<T>);
  s.factors = region.take<T>(blockRows + LANES<T>);
  // Room for all from the output to the factors.
  s.saved = region.take<char>(direct ? s.factors - s.output : 0);
  s.values = region.take<T>(direct ? FORWARD_KEYS<T> * paddedTo<T>(p.valueDim) : 0);
  s.chunk = region.take<T>(chunkNumbers<T>(p));
  s.kept = region.take<T>(keepsScores(p) ? blockRows * p.keyLength : 0);
  s.places = region.take<Line>(p.pageSize > 0 ? FORWARD_KEYS<T> + PREFETCH_ROWS + 2 : 0);
  s.zero = region.take<T>(zeroNumbers<T>(p));
  s.bad = region.take<uint8_t>(FORWARD_KEYS<T>);
  s.bytes = region.bytes;
  return s;
}

template <class T>
static Plan planForward(const Problem& p, i64 threads) {
  Plan plan{};
  const Wants wants = wantsOf(p);
  const i64 allHeads = p.batch * p.kvHeads;
  plan.direct = p.rows <= DIRECT_ROWS && !p.gradient;
  plan.tileKeys = FORWARD_KEYS<T>;
  plan.tiles = ceilDivide(p.keyLength, FORWARD_KEYS<T>);
  plan.blockRows = plan.direct ? DIRECT_ROWS : least(BLOCK_ROWS, roundUp(greatest(1, p.rows), ROWS));
  // Fewer rows if whole blocks would be too few for the threads. Blocks end where row groups do: no bit changes.
  if (!plan.direct && threads > 1)
    plan.blockRows = least(plan.blockRows, roundUp(greatest(2 * ROWS, p.rows * allHeads / (8 * threads)), ROWS));
  if (!plan.direct && keepsScores(p)) plan.blockRows = ROWS;
  plan.blocks = ceilDivide(p.rows, plan.blockRows);
  plan.splitKeys = plan.direct ? DIRECT_SPLIT : PACKED_SPLIT;
  const bool isSplit = p.selection == Selection::softmax && p.rows <= SPLIT_ROWS && p.keyLength > plan.splitKeys && !keepsScores(p);
  plan.splits = isSplit ? ceilDivide(p.keyLength, plan.splitKeys) : 1;
  const i64 padded = roundUp(p.keyLength, FORWARD_KEYS<T>);
  if (!plan.direct) {
    plan.packedKeySlot = padded * p.headDim;
    plan.packedValueSlot = wants.values ? padded * paddedTo<T>(p.valueDim) : 0;
    plan.badSlot = padded + plan.tiles;
  }
  const i64 partial = PARTIAL_HEAD<T> + (wants.values ? paddedTo<T>(p.valueDim) : 0);
  plan.partialSlot = isSplit ? plan.splits * p.rows * partial : 0;
  const i64 slotBytes =
      (plan.packedKeySlot + plan.packedValueSlot + plan.partialSlot) * (i64)sizeof(T) + plan.badSlot + 1;
  const i64 fitting = greatest(1, SLOT_BYTES / slotBytes);
  // One thread packs and reads the same memory for all heads, half of what two slots would take from the second-level cache: 64 queries
  // and 1,500 keys took 2.84 ms with two, and take 2.54 (12 heads of 64, Intel Xeon with 2 MB).
  plan.slots = least(allHeads, plan.direct ? fitting : least(fitting, threads == 1 ? 1 : 2 * threads));
  Region region;
  plan.counters = region.take<int32_t>(allHeads * (2 + (isSplit ? plan.blocks : 0)));
  plan.clearedBytes = region.bytes;
  plan.packedKey = region.take<T>(plan.slots * plan.packedKeySlot);
  plan.packedValue = region.take<T>(plan.slots * plan.packedValueSlot);
  plan.partials = region.take<T>(plan.slots * plan.partialSlot);
  plan.bad = region.take<uint8_t>(plan.slots * plan.badSlot);
  plan.sharedBytes = region.bytes;
  plan.threadBytes = forwardScratch<T>(p, plan).bytes;
  const i64 packs = plan.direct ? 0 : plan.tiles;
  plan.tasks = p.rows == 0 ? 0 : allHeads * (packs + plan.blocks * plan.splits);
  // Multiplications in a vector's time, a quarter of what the units can do at 2 GHz; and a microsecond for each block.
  const double vectors = (double)p.rows * (double)p.keyLength * (double)(p.headDim + p.valueDim) / LANES<T>;
  plan.microseconds = (double)allHeads * (vectors / 1000 + (double)plan.blocks);
  return plan;
}

template <class T>
INLINE T* slotOf(const Run& run, i64 area, i64 slot, i64 size) {
  return (T*)(run.shared + area) + slot * size;
}

// Keys key ... key + count - 1 for products with rows of queries, and rows for products with their columns (pack.h), a chunk
// at a time. Both return whether any row is not finite.
template <class T>
INLINE bool packKeys(const Source<T>& source, i64 key, i64 count, T* chunk, T* to, uint8_t* bad) {
  const i64 step = source.chunk(count);
  bool dirty = false;
  for (i64 from = 0; from < count; from += step) {
    const i64 here = least(step, count - from);
    const Rows<T> rows = source.rows(key + from, here, chunk);
    dirty |= packTransposed<T>(rows.from, rows.row, here, source.depth, to + from * source.depth, bad + key + from);
  }
  return dirty;
}
template <class T>
INLINE bool packRows(const Source<T>& source, i64 key, i64 count, T* chunk, T* to, i64 panelStep, uint8_t* bad) {
  const i64 step = source.chunk(count);
  bool dirty = false;
  for (i64 from = 0; from < count; from += step) {
    const i64 here = least(step, count - from);
    const Rows<T> rows = source.rows(key + from, here, chunk);
    dirty |= packPanels<T>(rows.from, rows.row, here, source.depth, 1, to + from * PANEL<T>, panelStep, bad + key + from);
  }
  return dirty;
}

template <class T>
INLINE void packTile(const Block<T>& b, i64 tile, T* chunk) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const i64 key = tile * FORWARD_KEYS<T>, count = least(FORWARD_KEYS<T>, p.keyLength - key);
  uint8_t* bad = slotOf<uint8_t>(b.run, plan.bad, b.slot, plan.badSlot);
  __builtin_memset(bad + key, 0, FORWARD_KEYS<T>);
  T* keys = slotOf<T>(b.run, plan.packedKey, b.slot, plan.packedKeySlot) + key * p.headDim;
  bool dirty = packKeys(b.keys(), key, count, chunk, keys, bad);
  if (b.wants.values) {
    T* values = slotOf<T>(b.run, plan.packedValue, b.slot, plan.packedValueSlot) + key * PANEL<T>;
    const i64 panelStep = roundUp(p.keyLength, FORWARD_KEYS<T>) * PANEL<T>;
    dirty |= packRows(b.values(), key, count, chunk, values, panelStep, bad);
    // Columns of a vector past the last key have weights of 0.
    for (i64 n = count; n < roundUp(count, PANEL<T>); n++) {
      for (i64 d = 0; d < paddedTo<T>(p.valueDim); d += LANES<T>)
        store(values + d / PANEL<T> * panelStep + n * PANEL<T> + d % PANEL<T>, zeros<T>());
    }
  }
  bad[roundUp(p.keyLength, FORWARD_KEYS<T>) + tile] = dirty;
}

// Turns scores of the row group into exponentials, and notes the factors of earlier sums.
template <class T>
INLINE void takeIn(Block<T>& b, i64 group, i64 count) {
  constexpr int L = LANES<T>;
  const bool soft = b.p.selection == Selection::softmax;
  for (i64 first = 0; first < count; first += L) {
    const int here = (int)least(L, count - first);
    Vector<T> maxima[L];
    for (int n = 0; n < L; n++) {
      maxima[n] = splat<T>((T)-INF);
      if (n >= here) continue;
      Row<T>& row = b.rows[group + first + n];
      T* scores = b.scores + (first + n) * FORWARD_STRIDE<T>;
      takeSteps<T>(b, row, scores, nullptr);
      if (!soft) choose(b, row, scores);
      if (soft && b.p.wantsWeights) keepScores(b, row, scores);
      maxima[n] = rowMaximum(scores, b.from, b.to);
    }
    if (!b.wants.softmax) continue;
    const Vector<T> subtracted = raiseMaxima<T>(maxima, b.maxima + group + first, b.factors + first);
    for (int n = 0; n < here; n++)
      exponentiate(b.scores + (first + n) * FORWARD_STRIDE<T>, b.from, b.to, subtracted[n], b.factors[first + n],
                   b.sums + (group + first + n) * L);
    if (b.p.keptFactor == 0 || !b.wants.values) continue;
    for (int n = 0; n < here; n++)
      dropWeights(b, b.rows[group + first + n], b.scores + (first + n) * FORWARD_STRIDE<T>);
  }
}

template <class T>
INLINE void attendPacked(Block<T>& b) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const i64 tile = b.tile / FORWARD_KEYS<T>, padded = roundUp(p.keyLength, FORWARD_KEYS<T>), stride = paddedTo<T>(p.valueDim);
  const T* keys = slotOf<T>(b.run, plan.packedKey, b.slot, plan.packedKeySlot) + b.tile * p.headDim;
  const T* values = slotOf<T>(b.run, plan.packedValue, b.slot, plan.packedValueSlot) + b.tile * PANEL<T>;
  const uint8_t* bad = slotOf<uint8_t>(b.run, plan.bad, b.slot, plan.badSlot);
  b.bad = bad + b.tile;
  b.tileBad = bad[padded + tile];
  for (i64 group = 0; group < b.count; group += ROWS) {
    const i64 count = least(ROWS, b.count - group);
    if (!openGroup(b, group, count, FORWARD_KEYS<T>)) continue;
    b.noteMissing();
    multiply<T, Begin::zero, 1, ROWS>(count, b.query + group * p.headDim, keys + b.from * p.headDim, PANEL<T>,
                                      PANEL<T> * p.headDim, b.scores + b.from, FORWARD_STRIDE<T>, p.headDim, b.to - b.from,
                                      nullptr);
    takeIn(b, group, count);
    if (!b.wants.values) continue;
    const uint32_t bit = 1u << group / ROWS;
    const auto product = b.begun & bit ? multiply<T, Begin::scaled, FORWARD_STRIDE<T>, 1> : multiply<T, Begin::zero, FORWARD_STRIDE<T>, 1>;
    b.begun |= bit;
    const FlushesToZero flushes;
    product(count, b.scores + b.from, values + b.from * PANEL<T>, PANEL<T>, padded * PANEL<T>, b.output + group * stride, stride,
            b.to - b.from, p.valueDim, b.factors);
  }
}

// Outputs of row groups that see no key are 0.
template <class T>
INLINE void clearOthers(const Block<T>& b) {
  const i64 stride = paddedTo<T>(b.p.valueDim);
  for (i64 group = 0; group < b.count; group += ROWS) {
    if (!(b.begun >> group / ROWS & 1)) __builtin_memset(b.output + group * stride, 0, ROWS * stride * sizeof(T));
  }
}

// Turns the open tile's scores into exponentials, and adds its values by these.
template <class T>
INLINE void addTile(Block<T>& b, T* packed, T* chunk) {
  takeIn(b, 0, b.count);
  if (!b.wants.values) return;
  const FlushesToZero flushes;
  addDirectValues(b, packed, chunk);
}

template <class T>
INLINE void attendDirectly(Block<T>& b, const ForwardScratch& scratch, char* memory) {
  if (!openGroup(b, 0, b.count, FORWARD_KEYS<T>)) return;
  b.noteMissing();
  uint8_t* bad = (uint8_t*)(memory + scratch.bad);
  T *packed = (T*)(memory + scratch.values), *chunk = (T*)(memory + scratch.chunk);
  prefetchScales(b);
  const bool supposed = supposesFinite(b, b.values());
  if (supposed) {
    clearBad(b, bad);
    directScores(b, chunk);
    if (!b.tileBad) {
      const i64 bytes = scratch.factors - scratch.output;
      __builtin_memcpy(memory + scratch.saved, memory + scratch.output, bytes);
      addTile(b, packed, chunk);
      if (areFinite<T>(b.output, paddedTo<T>(b.p.valueDim), b.count, b.p.valueDim)) return;
      __builtin_memcpy(memory + scratch.output, memory + scratch.saved, bytes);
    }
    b.supposesFinite = false;
  }
  checkValues(b, bad);
  directScores(b, chunk);
  addTile(b, packed, chunk);
}

template <class T>
INLINE T* partialOf(const Block<T>& b, i64 r, i64 split) {
  const i64 size = PARTIAL_HEAD<T> + (b.wants.values ? paddedTo<T>(b.p.valueDim) : 0);
  return slotOf<T>(b.run, b.plan.partials, b.slot, b.plan.partialSlot) + ((b.firstRow + r) * b.plan.splits + split) * size;
}

template <class T>
INLINE void writePartials(const Block<T>& b, i64 split) {
  const i64 stride = paddedTo<T>(b.p.valueDim);
  for (i64 r = 0; r < b.count; r++) {
    T* to = partialOf(b, r, split);
    to[0] = b.rows[r].max;
    to[1] = sumOf<T>(load(b.sums + r * LANES<T>));
    if (b.wants.values) __builtin_memcpy(to + PARTIAL_HEAD<T>, b.output + r * stride, stride * sizeof(T));
  }
}

// Merges the rows of all splits. Splits without keys that the row attends to do not count.
template <class T>
INLINE void mergeRow(Block<T>& b, i64 r) {
  constexpr int L = LANES<T>;
  const i64 stride = paddedTo<T>(b.p.valueDim);
  Row<T>& row = b.rows[r];
  T* output = b.output + r * stride;
  T max = (T)-INF, sum = 0;
  __builtin_memset(output, 0, stride * sizeof(T));
  for (i64 split = 0; split < b.plan.splits; split++) {
    const T* from = partialOf(b, r, split);
    max = from[0] > max ? from[0] : max;
  }
  for (i64 split = 0; split < b.plan.splits; split++) {
    const T* from = partialOf(b, r, split);
    if (from[1] == 0) continue;
    const T share = exponentialOf<T>(from[0] - max);
    sum += from[1] * share;
    if (!b.wants.values) continue;
    for (i64 d = 0; d < stride; d += L)
      store(output + d, multiplyAdd(load(from + PARTIAL_HEAD<T> + d), splat<T>(share), load(output + d)));
  }
  row.max = max;
  finishRow(b, row, sum, output);
}

template <class T>
INLINE void attendBlock(Block<T>& b, i64 block, i64 split, const ForwardScratch& scratch, char* memory) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const i64 stride = paddedTo<T>(p.valueDim);
  b.firstRow = block * plan.blockRows;
  b.count = least(plan.blockRows, p.rows - b.firstRow);
  b.rows = (Row<T>*)(memory + scratch.rows);
  b.query = (T*)(memory + scratch.query);
  b.wideQuery = (T*)(memory + scratch.wideQuery);
  b.kept = (T*)(memory + scratch.kept);
  b.scores = (T*)(memory + scratch.scores);
  b.output = (T*)(memory + scratch.output);
  b.sums = (T*)(memory + scratch.sums);
  b.maxima = (T*)(memory + scratch.maxima);
  b.factors = (T*)(memory + scratch.factors);
  openRows(b);
  if (plan.direct) packDirectQueries(b);
  else packQueries(b);
  __builtin_memset(b.sums, 0, b.count * LANES<T> * sizeof(T));
  fill(b.maxima, 0, b.count + LANES<T>, (T)-INF);
  if (b.wants.values && plan.direct) __builtin_memset(b.output, 0, roundUp(b.count, ROWS) * stride * sizeof(T));
  b.begun = 0;
  i64 first = b.firstKey == NO_KEYS ? 0 : b.firstKey, end = b.endKey;
  if (plan.splits > 1) {
    first = greatest(first, split * plan.splitKeys);
    end = least(end, (split + 1) * plan.splitKeys);
  }
  for (b.tile = roundDown(first, FORWARD_KEYS<T>); b.tile < end; b.tile += FORWARD_KEYS<T>) {
    if (plan.direct) attendDirectly(b, scratch, memory);
    else attendPacked(b);
  }
  for (i64 r = 0; r < b.count; r++) b.rows[r].max = b.maxima[r];
  if (b.wants.values && !plan.direct) clearOthers(b);
  if (plan.splits == 1) {
    finishRows(b);
    return;
  }
  writePartials(b, split);
  int32_t* merges = (int32_t*)(b.run.shared + plan.counters) + 2 * p.batch * p.kvHeads;
  if (countUp(merges + (b.batch * p.kvHeads + b.kvHead) * plan.blocks + block) < plan.splits - 1) return;
  for (i64 r = 0; r < b.count; r++) mergeRow(b, r);
}

template <class T>
static void forwardTask(const Run& run, i64 task, char* memory) {
  const Problem& p = *run.problem;
  const Plan& plan = *run.plan;
  const i64 packs = plan.direct ? 0 : plan.tiles, attends = plan.blocks * plan.splits;
  const i64 head = task / (packs + attends), step = task % (packs + attends);
  int32_t* packed = (int32_t*)(run.shared + plan.counters);
  int32_t* finished = packed + p.batch * p.kvHeads;
  Block<T> b{.run = run, .p = p, .plan = plan, .wants = wantsOf(p), .batch = head / p.kvHeads, .kvHead = head % p.kvHeads,
             .slot = head % plan.slots};
  if (head >= plan.slots && !waitFor(run, finished + head - plan.slots, attends)) return;
  const ForwardScratch scratch = forwardScratch<T>(p, plan);
  if (p.pageSize > 0) {
    __builtin_memset(memory + scratch.zero, 0, zeroNumbers<T>(p) * sizeof(T));
    b.zeroRow = memory + scratch.zero;
    b.places = (Line*)(memory + scratch.places);
  }
  if (step < packs) {
    packTile(b, step, (T*)(memory + scratch.chunk));
    countUp(packed + head);
    return;
  }
  if (!waitFor(run, packed + head, packs)) return;
  attendBlock(b, (step - packs) / plan.splits, (step - packs) % plan.splits, scratch, memory);
  countUp(finished + head);
}

}  // namespace
}  // namespace heed
