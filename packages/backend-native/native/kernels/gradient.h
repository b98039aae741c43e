// The gradients, one task at a time, from weights that are computed anew tile by tile (Dao, Fu, Ermon, Rudra and Re,
// "FlashAttention", NeurIPS 2022, algorithm 4 and appendix B.2):
//
//     dV = P' dO     dP = dO V'     dS = P (dP - rowsum(dO O))     dQ = scale dS K     dK = scale dS' Q
//
// The block of queries is in the outer loop, as in forward. The blocks of a head are dealt out to chunks, one after
// another, so that causal ones weigh the same; each chunk has its own sums of dK and dV. The number of chunks depends
// on lengths alone, not on threads.
//
// The tasks of a key/value head are: packing its tiles; the chunks; adding the chunks in their order, a tile of keys
// each; and the gradients that several heads add to, dSinks and that of a bias without an axis of queries, one head
// after another.
#pragma once
#include "attend.h"
#include "gradient_scores.h"

namespace heed {
namespace {

constexpr i64 MAXIMUM_CHUNKS = 8;
// Least number of blocks of a chunk: its sums are as large as keys and values.
constexpr i64 CHUNK_BLOCKS = 4;

INLINE bool sumsBiasApart(const Problem& p) { return p.hasBias && p.bias.row == 0; }
// Returns whether different key/value heads add to the same rows of a bias' gradient: they then take turns.
INLINE bool sharesBias(const Problem& p) {
  return p.hasBias && p.bias.row != 0 &&
         ((p.bias.batch == 0 && p.batch > 1) || (p.bias.head == 0 && p.heads > 1));
}
// Returns whether each number of a bias' gradient is written once. Otherwise sums of 16-bit results are in shared scratch,
// and a last task rounds them.
INLINE bool writesBiasOnce(const Problem& p) {
  return (p.bias.batch != 0 || p.batch == 1) && (p.bias.head != 0 || p.heads == 1) && p.bias.row != 0 && p.bias.key != 0;
}
INLINE bool roundsBias(const Problem& p) { return p.hasBias && p.format != Format::same && !writesBiasOnce(p); }
// Returns whether the whole batch reads the same keys, whose gradients are then summed over the batch, in order.
INLINE bool sharesKeys(const Problem& p) { return p.kvBatch < p.batch; }
INLINE bool hasSharedSums(const Problem& p) { return p.hasSinks || sumsBiasApart(p); }

template <class T>
static Plan planGradient(const Problem& p, i64 threads) {
  Plan plan{};
  const i64 allHeads = p.batch * p.kvHeads;
  plan.tileKeys = GRADIENT_KEYS;
  plan.tiles = ceilDivide(p.keyLength, GRADIENT_KEYS);
  // Blocks hold all heads of a group at a position, if these fit, so that no two chunks add to the same row of a bias;
  // otherwise there is one chunk.
  const bool fits = p.group <= BLOCK_ROWS;
  plan.blockRows = fits ? roundDown(BLOCK_ROWS, p.group) : BLOCK_ROWS;
  plan.blocks = ceilDivide(p.rows, plan.blockRows);
  plan.chunks = fits ? greatest(1, least(MAXIMUM_CHUNKS, plan.blocks / CHUNK_BLOCKS)) : 1;
  const i64 padded = plan.tiles * GRADIENT_KEYS, keyColumns = paddedTo<T>(p.headDim), valueColumns = paddedTo<T>(p.valueDim);
  plan.packedKeySlot = padded * p.headDim;
  plan.packedValueSlot = padded * p.valueDim;
  plan.keyRowsSlot = padded * keyColumns;
  plan.badSlot = padded + plan.tiles;
  // Register tiles may add to a few keys past the last one.
  plan.keySumsChunk = (padded + ROWS) * keyColumns;
  plan.valueSumsChunk = (padded + ROWS) * valueColumns;
  plan.biasSumsHead = sumsBiasApart(p) ? (p.bias.key == 0 ? 1 : p.keyLength) : 0;
  plan.biasSumsChunk = p.group * plan.biasSumsHead;
  const i64 sums = plan.chunks * (plan.keySumsChunk + plan.valueSumsChunk + plan.biasSumsChunk);
  const i64 slotBytes = (plan.packedKeySlot + plan.packedValueSlot + plan.keyRowsSlot + sums) * (i64)sizeof(T) + plan.badSlot;
  const i64 fitting = greatest(1, SLOT_BYTES / (slotBytes + 1));
  plan.slots = sharesBias(p) ? 1 : least(allHeads, least(fitting, 2 * threads));
  Region region;
  plan.counters = region.take<int32_t>(4 * allHeads);
  plan.dBias = region.take<T>(roundsBias(p) ? p.bias.size : 0);
  plan.dShared = region.take<T>(sharesKeys(p) ? p.kvHeads * p.keyLength * (keyColumns + valueColumns) : 0);
  plan.clearedBytes = region.bytes;
  plan.packedKey = region.take<T>(plan.slots * plan.packedKeySlot);
  plan.packedValue = region.take<T>(plan.slots * plan.packedValueSlot);
  plan.keyRows = region.take<T>(plan.slots * plan.keyRowsSlot);
  plan.bad = region.take<uint8_t>(plan.slots * plan.badSlot);
  plan.keySums = region.take<T>(plan.slots * plan.chunks * plan.keySumsChunk);
  plan.valueSums = region.take<T>(plan.slots * plan.chunks * plan.valueSumsChunk);
  plan.biasSums = region.take<T>(plan.slots * plan.chunks * plan.biasSumsChunk);
  plan.sinkSums = region.take<double>(p.hasSinks ? plan.slots * plan.chunks * p.group : 0);
  plan.sharedBytes = region.bytes;
  plan.threadBytes = gradientScratch<T>(p).bytes;
  // Without queries or keys all gradients are 0, as new results are; but a sink beside keys of other parts has one.
  plan.tasks = p.rows == 0 || (p.keyLength == 0 && !p.hasSinks) ? 0 : allHeads * (2 * plan.tiles + plan.chunks + hasSharedSums(p)) + roundsBias(p);
  const double vectors = (double)p.rows * (double)p.keyLength * (double)((3 + sumsWeights(p)) * p.headDim + (2 + sumsWeights(p)) * p.valueDim) / LANES<T>;
  plan.microseconds = (double)allHeads * (vectors / 1000 + (double)plan.blocks);
  return plan;
}

// Sums of the task's chunk.
template <class T>
struct ChunkSums {
  T *key, *value, *bias;
  double* sinks;
};

template <class T>
INLINE ChunkSums<T> chunkSums(const Run& run, i64 slot, i64 chunk) {
  const Plan& plan = *run.plan;
  const i64 own = slot * plan.chunks + chunk;
  return {slotOf<T>(run, plan.keySums, own, plan.keySumsChunk), slotOf<T>(run, plan.valueSums, own, plan.valueSumsChunk),
          slotOf<T>(run, plan.biasSums, own, plan.biasSumsChunk),
          slotOf<double>(run, plan.sinkSums, own, run.problem->group)};
}

template <class T>
INLINE void packGradientTile(const Block<T>& b, i64 tile, T* chunk) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const i64 key = tile * GRADIENT_KEYS, count = least(GRADIENT_KEYS, p.keyLength - key), padded = plan.tiles * GRADIENT_KEYS;
  uint8_t* bad = slotOf<uint8_t>(b.run, plan.bad, b.slot, plan.badSlot);
  __builtin_memset(bad + key, 0, GRADIENT_KEYS);
  T* keys = slotOf<T>(b.run, plan.packedKey, b.slot, plan.packedKeySlot) + key * p.headDim;
  T* values = slotOf<T>(b.run, plan.packedValue, b.slot, plan.packedValueSlot) + key * p.valueDim;
  T* keyRows = slotOf<T>(b.run, plan.keyRows, b.slot, plan.keyRowsSlot) + key * PANEL<T>;
  bool dirty = packKeys(b.keys(), key, count, chunk, keys, bad);
  dirty |= packKeys(b.values(), key, count, chunk, values, bad);
  packRows(b.keys(), key, count, chunk, keyRows, padded * PANEL<T>, bad);
  for (i64 n = count; n < roundUp(count, PANEL<T>); n++) {
    for (i64 d = 0; d < paddedTo<T>(p.headDim); d += LANES<T>)
      store(keyRows + d / PANEL<T> * (padded * PANEL<T>) + n * PANEL<T> + d % PANEL<T>, zeros<T>());
  }
  bad[padded + tile] = dirty;
}

// The columns that each row group of the block attends to in the open tile.
struct GroupRanges {
  i64 from[BLOCK_ROWS / 2], to[BLOCK_ROWS / 2];
};

// dK += scale dS' Q and dV += P' dO: register tiles are ROWS keys, and sum over the row groups that attend to any of them.
template <class T>
INLINE void addKeys(const Block<T>& b, const GroupRanges& ranges, const GradientScratch& scratch, char* memory,
                    const ChunkSums<T>& sums) {
  const Problem& p = b.p;
  const T* scores = (const T*)(memory + scratch.scores);
  const T* dScores = (const T*)(memory + scratch.dScores);
  const T* queryRows = (const T*)(memory + scratch.queryRows);
  const T* dOutputRows = (const T*)(memory + scratch.dOutputRows);
  const i64 groups = ceilDivide(b.count, ROWS), keys = least(GRADIENT_KEYS, p.keyLength - b.tile);
  const i64 keyColumns = paddedTo<T>(p.headDim), valueColumns = paddedTo<T>(p.valueDim);
  const FlushesToZero flushes;
  for (i64 c = 0; c < keys; c += ROWS) {
    i64 first = groups, last = 0;
    for (i64 g = 0; g < groups; g++) {
      if (ranges.from[g] >= c + ROWS || ranges.to[g] <= c) continue;
      first = least(first, g);
      last = g + 1;
    }
    if (first >= last) continue;
    const i64 row = first * ROWS, depth = least(b.count, last * ROWS) - row, count = least(ROWS, keys - c);
    const i64 at = row * GRADIENT_STRIDE + c, key = b.tile + c;
    multiply<T, Begin::sum, 1, GRADIENT_STRIDE>(count, dScores + at, panelRow((T*)queryRows, row), PANEL<T>,
                                                BLOCK_ROWS * PANEL<T>, sums.key + key * keyColumns, keyColumns, depth,
                                                p.headDim, nullptr);
    multiply<T, Begin::sum, 1, GRADIENT_STRIDE>(count, scores + at, panelRow((T*)dOutputRows, row), PANEL<T>,
                                                BLOCK_ROWS * PANEL<T>, sums.value + key * valueColumns, valueColumns, depth,
                                                p.valueDim, nullptr);
  }
}

// A row's columns that the row group does not attend to: products over all row groups read them.
template <class T>
INLINE void clearOutside(const Block<T>& b, T* row) {
  fill<T>(row, 0, b.from, 0);
  fill<T>(row, b.to, GRADIENT_KEYS, 0);
}

// Scores, before their steps, and dP of a row group with the columns from ... to - 1 of the open tile.
template <class T>
INLINE void multiplyGroup(const Block<T>& b, i64 group, i64 count, const T* dOutputs, T* scores, T* dScores) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const T* keys = slotOf<T>(b.run, plan.packedKey, b.slot, plan.packedKeySlot) + (b.tile + b.from) * p.headDim;
  const T* values = slotOf<T>(b.run, plan.packedValue, b.slot, plan.packedValueSlot) + (b.tile + b.from) * p.valueDim;
  multiply<T, Begin::zero, 1, ROWS>(count, b.query + group * p.headDim, keys, PANEL<T>, PANEL<T> * p.headDim, scores + b.from,
                                    GRADIENT_STRIDE, p.headDim, b.to - b.from, nullptr);
  multiply<T, Begin::zero, 1, ROWS>(count, dOutputs + group * p.valueDim, values, PANEL<T>, PANEL<T> * p.valueDim,
                                    dScores + b.from, GRADIENT_STRIDE, p.valueDim, b.to - b.from, nullptr);
}

template <class T>
INLINE void openTile(Block<T>& b) {
  const Plan& plan = b.plan;
  const uint8_t* bad = slotOf<uint8_t>(b.run, plan.bad, b.slot, plan.badSlot);
  b.bad = bad + b.tile;
  b.tileBad = bad[plan.tiles * GRADIENT_KEYS + b.tile / GRADIENT_KEYS];
}

template <class T>
INLINE void addTotals(Block<T>& b, const GradientScratch& scratch, char* memory) {
  T* scores = (T*)(memory + scratch.scores);
  T* dScores = (T*)(memory + scratch.dScores);
  openTile(b);
  for (i64 group = 0; group < b.count; group += ROWS) {
    const i64 count = least(ROWS, b.count - group);
    if (!openGroup(b, group, count, GRADIENT_KEYS)) continue;
    multiplyGroup(b, group, count, (const T*)(memory + scratch.dOutput), scores, dScores);
    const FlushesToZero flushes;
    for (i64 r = 0; r < count; r++) {
      Row<T>& row = b.rows[group + r];
      takeSteps<T>(b, row, scores + r * GRADIENT_STRIDE, nullptr);
      addToTotal(b, row, scores + r * GRADIENT_STRIDE, dScores + r * GRADIENT_STRIDE);
    }
  }
}

// Address of the gradient of the bias as sums: the result itself, unless it has 16 bits.
template <class T>
INLINE T* biasSumsOf(const Block<T>& b) {
  return roundsBias(b.p) ? (T*)(b.run.shared + b.plan.dBias) : b.template operand<T>(Operand::dBias);
}

template <class T>
INLINE void gradientTile(Block<T>& b, const GradientScratch& scratch, char* memory, const ChunkSums<T>& sums) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const i64 padded = plan.tiles * GRADIENT_KEYS, keyColumns = paddedTo<T>(p.headDim);
  const T* keyRows = slotOf<T>(b.run, plan.keyRows, b.slot, plan.keyRowsSlot) + b.tile * PANEL<T>;
  T* allScores = (T*)(memory + scratch.scores);
  T* allDScores = (T*)(memory + scratch.dScores);
  T* slopes = p.hasSoftcap ? (T*)(memory + scratch.slopes) : nullptr;
  T* dQuery = (T*)(memory + scratch.dQuery);
  const T* dOutputs = (const T*)(memory + scratch.dOutput);
  openTile(b);
  GroupRanges ranges;
  bool any = false;
  for (i64 group = 0; group < b.count; group += ROWS) {
    const i64 count = least(ROWS, b.count - group);
    T* scores = allScores + group * GRADIENT_STRIDE;
    T* dScores = allDScores + group * GRADIENT_STRIDE;
    const bool attends = openGroup(b, group, count, GRADIENT_KEYS);
    if (!attends) b.from = b.to = 0;
    ranges.from[group / ROWS] = b.from;
    ranges.to[group / ROWS] = b.to;
    for (i64 r = 0; r < count; r++) {
      clearOutside(b, scores + r * GRADIENT_STRIDE);
      clearOutside(b, dScores + r * GRADIENT_STRIDE);
    }
    if (!attends) continue;
    any = true;
    multiplyGroup(b, group, count, dOutputs, scores, dScores);
    const FlushesToZero flushes;
    for (i64 r = 0; r < count; r++) {
      const Row<T>& row = b.rows[group + r];
      T* rowScores = scores + r * GRADIENT_STRIDE;
      takeSteps<T>(b, row, rowScores, slopes);
      BiasSums<T> bias{nullptr, nullptr, p.bias.key};
      if (sumsBiasApart(p)) bias.row = sums.bias + row.head % p.group * plan.biasSumsHead;
      else if (p.hasBias && p.format != Format::same && writesBiasOnce(p))
        bias.rounded = elementOf<T>(p.format, b.run.operands[Operand::dBias], row.dBias);
      else if (p.hasBias) bias.row = biasSumsOf(b) + row.dBias;
      scoreGradient(b, row, rowScores, dScores + r * GRADIENT_STRIDE, slopes, bias);
    }
    multiply<T, Begin::sum, GRADIENT_STRIDE, 1>(count, dScores + b.from, keyRows + b.from * PANEL<T>, PANEL<T>,
                                                padded * PANEL<T>, dQuery + group * keyColumns, keyColumns, b.to - b.from,
                                                p.headDim, nullptr);
  }
  if (any) addKeys(b, ranges, scratch, memory, sums);
}

template <class T>
INLINE void gradientChunk(Block<T>& b, i64 chunk, char* memory) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const GradientScratch scratch = gradientScratch<T>(p);
  const i64 keyColumns = paddedTo<T>(p.headDim);
  T* dQuery = (T*)(memory + scratch.dQuery);
  b.rows = (Row<T>*)(memory + scratch.rows);
  b.query = (T*)(memory + scratch.query);
  b.wideQuery = (T*)(memory + scratch.wideQuery);
  const ChunkSums<T> sums = chunkSums<T>(b.run, b.slot, chunk);
  __builtin_memset(sums.key, 0, plan.keySumsChunk * sizeof(T));
  __builtin_memset(sums.value, 0, plan.valueSumsChunk * sizeof(T));
  __builtin_memset(sums.bias, 0, plan.biasSumsChunk * sizeof(T));
  if (p.hasSinks) __builtin_memset(sums.sinks, 0, p.group * sizeof(double));
  for (i64 block = chunk; block < plan.blocks; block += plan.chunks) {
    if (__atomic_load_n(b.run.stop, __ATOMIC_RELAXED) != 0) return;
    b.firstRow = block * plan.blockRows;
    b.count = least(plan.blockRows, p.rows - b.firstRow);
    openRows(b);
    packQueries(b);
    openGradientRows(b, scratch, memory);
    __builtin_memset(dQuery, 0, (BLOCK_ROWS + ROWS) * keyColumns * sizeof(T));
    const i64 first = roundDown(b.firstKey == NO_KEYS ? 0 : b.firstKey, GRADIENT_KEYS);
    for (b.tile = first; sumsWeights(p) && b.tile < b.endKey; b.tile += GRADIENT_KEYS) addTotals(b, scratch, memory);
    for (i64 r = 0; r < b.count; r++) closeMean(b, b.rows[r], sums.sinks);
    for (b.tile = first; b.tile < b.endKey; b.tile += GRADIENT_KEYS) gradientTile(b, scratch, memory, sums);
    for (i64 r = 0; r < b.count; r++)
      writeScaled(dQuery + r * keyColumns, (T)p.scale, p.format, b.rowOf(Operand::dQuery, p.query, b.rows[r]), p.headDim);
  }
}

// Adds the sums of all chunks in their order, and those of earlier batch elements, if any, which then become those so far.
template <class T>
INLINE void reduceRow(T* sums, i64 chunkSize, i64 chunks, i64 columns, T* earlier, Format format, void* to, i64 depth) {
  for (i64 chunk = 1; chunk < chunks; chunk++) {
    for (i64 d = 0; d < columns; d += LANES<T>) store(sums + d, load(sums + d) + load(sums + chunk * chunkSize + d));
  }
  for (i64 d = 0; earlier != nullptr && d < columns; d += LANES<T>) {
    const Vector<T> sum = load(earlier + d) + load(sums + d);
    store(earlier + d, sum);
    store(sums + d, sum);
  }
  writeScaled(sums, (T)1, format, to, depth);
}

// dK and dV of a tile: the sums of all chunks in their order.
template <class T>
INLINE void reduceTile(const Block<T>& b, i64 tile) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  const ChunkSums<T> sums = chunkSums<T>(b.run, b.slot, 0);
  const i64 keyColumns = paddedTo<T>(p.headDim), valueColumns = paddedTo<T>(p.valueDim);
  const i64 dKey = b.batch * p.key.batch + b.kvHead * p.key.head, dValue = b.batch * p.value.batch + b.kvHead * p.value.head;
  const auto at = [&](Operand name, i64 n) { return elementOf<T>(p.cacheFormat, b.run.operands[name], n); };
  T* shared = sharesKeys(p) ? (T*)(b.run.shared + plan.dShared) + b.kvHead * p.keyLength * (keyColumns + valueColumns) : nullptr;
  for (i64 key = tile * GRADIENT_KEYS; key < least(p.keyLength, (tile + 1) * GRADIENT_KEYS); key++) {
    T* earlier = shared == nullptr ? nullptr : shared + key * (keyColumns + valueColumns);
    reduceRow(sums.key + key * keyColumns, plan.keySumsChunk, plan.chunks, keyColumns, earlier, p.cacheFormat,
              at(Operand::dKey, dKey + key * p.key.row), p.headDim);
    reduceRow(sums.value + key * valueColumns, plan.valueSumsChunk, plan.chunks, valueColumns,
              earlier == nullptr ? nullptr : earlier + keyColumns, p.cacheFormat,
              at(Operand::dValue, dValue + key * p.value.row), p.valueDim);
  }
}

// Gradients that several heads add to, in the order of heads, chunks and query heads.
template <class T>
INLINE void addShared(const Block<T>& b) {
  const Problem& p = b.p;
  const Plan& plan = b.plan;
  for (i64 chunk = 0; chunk < plan.chunks; chunk++) {
    const ChunkSums<T> sums = chunkSums<T>(b.run, b.slot, chunk);
    for (i64 n = 0; n < p.group; n++) {
      const i64 head = b.kvHead * p.group + n;
      if (p.hasSinks) {
        T* sink = b.template operand<T>(Operand::dSinks) + head;
        *sink = (T)((double)*sink + sums.sinks[n]);
      }
      if (!sumsBiasApart(p)) continue;
      T* to = biasSumsOf(b) + b.batch * p.bias.batch + head * p.bias.head;
      for (i64 k = 0; k < plan.biasSumsHead; k++) to[k] += sums.bias[n * plan.biasSumsHead + k];
    }
  }
}

template <class T>
static void gradientTask(const Run& run, i64 task, char* memory) {
  const Problem& p = *run.problem;
  const Plan& plan = *run.plan;
  const i64 shared = hasSharedSums(p), perHead = 2 * plan.tiles + plan.chunks + shared;
  const i64 head = task / perHead, step = task % perHead, allHeads = p.batch * p.kvHeads;
  int32_t* packed = (int32_t*)(run.shared + plan.counters);
  int32_t *summed = packed + allHeads, *finished = summed + allHeads, *added = finished + allHeads;
  Block<T> b{.run = run, .p = p, .plan = plan, .wants = wantsOf(p), .batch = head / p.kvHeads, .kvHead = head % p.kvHeads,
             .slot = head % plan.slots};
  if (head == allHeads) {
    for (i64 n = 0; n < allHeads; n++) {
      if (!waitFor(run, finished + n, plan.tiles + shared)) return;
    }
    return writeScaled(biasSumsOf(b), (T)1, p.format, run.operands[Operand::dBias], p.bias.size);
  }
  if (head >= plan.slots && !waitFor(run, finished + head - plan.slots, plan.tiles + shared)) return;
  if (step < plan.tiles) {
    packGradientTile(b, step, (T*)(memory + gradientScratch<T>(p).chunk));
    countUp(packed + head);
    return;
  }
  if (step < plan.tiles + plan.chunks) {
    if (!waitFor(run, packed + head, plan.tiles)) return;
    gradientChunk(b, step - plan.tiles, memory);
    countUp(summed + head);
    return;
  }
  if (!waitFor(run, summed + head, plan.chunks)) return;
  if (step < 2 * plan.tiles + plan.chunks) {
    // Results of the batch element before, and sums of its chunks, which add to the same.
    if (sharesKeys(p) && b.batch > 0 && !waitFor(run, finished + head - p.kvHeads, plan.tiles + shared)) return;
    reduceTile(b, step - plan.tiles - plan.chunks);
  } else {
    if (head > 0 && !waitFor(run, added + head - 1, 1)) return;
    addShared(b);
    countUp(added + head);
  }
  countUp(finished + head);
}

}  // namespace
}  // namespace heed
