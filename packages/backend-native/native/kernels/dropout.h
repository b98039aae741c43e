// Dropout of the weights: SPEC.md, clause dropout. The random words are those of Philox4x32-10, as in selection.h: a block
// of four serves four neighboring keys. Several blocks are made side by side, so that compilers use vectors.
#pragma once
#include "block.h"

namespace heed {
namespace {

constexpr int SIDE_BY_SIDE = 16;
// The key of dropout has a bit that no seed of selection `sample` has.
constexpr uint32_t DROPOUT_BIT = 0x80000000u;

// The words of 4 * SIDE_BY_SIDE keys, the first of which is 4 * block.
INLINE void philoxBlocks(uint32_t block, const uint32_t (&place)[3], uint32_t k0, uint32_t k1,
                         uint32_t (&words)[4 * SIDE_BY_SIDE]) {
  uint32_t c0[SIDE_BY_SIDE], c1[SIDE_BY_SIDE], c2[SIDE_BY_SIDE], c3[SIDE_BY_SIDE];
  for (int n = 0; n < SIDE_BY_SIDE; n++) {
    c0[n] = block + (uint32_t)n;
    c1[n] = place[0];
    c2[n] = place[1];
    c3[n] = place[2];
  }
  for (int round = 0; round < 10; round++) {
    for (int n = 0; n < SIDE_BY_SIDE; n++) {
      const uint64_t first = 0xd2511f53ull * c0[n], second = 0xcd9e8d57ull * c2[n];
      c0[n] = (uint32_t)(second >> 32) ^ c1[n] ^ k0;
      c1[n] = (uint32_t)second;
      c2[n] = (uint32_t)(first >> 32) ^ c3[n] ^ k1;
      c3[n] = (uint32_t)first;
    }
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  for (int n = 0; n < SIDE_BY_SIDE; n++) {
    words[4 * n] = c0[n];
    words[4 * n + 1] = c1[n];
    words[4 * n + 2] = c2[n];
    words[4 * n + 3] = c3[n];
  }
}

// Factors of the weights of a row for columns from ... to - 1 of the open tile, whose keys follow one another: 0, or
// 1 / (1 - p).
template <class T>
INLINE void keptSpan(const Block<T>& b, const Row<T>& row, i64 from, i64 to, T* kept) {
  if (from >= to) return;
  const Noise& noise = b.run.noise;
  const i64 key = b.keyAt(b.tile + from) + noise.key, end = key + to - from;
  const uint32_t place[3] = {(uint32_t)row.index + noise.query, (uint32_t)row.head + noise.head,
                             (uint32_t)b.batch + noise.batch};
  const uint32_t threshold = b.p.dropThreshold;
  const T factor = (T)b.p.keptFactor;
  for (i64 block = roundDown(key, 4); block < end; block += 4 * SIDE_BY_SIDE) {
    uint32_t words[4 * SIDE_BY_SIDE];
    philoxBlocks((uint32_t)(block >> 2), place, noise.seedLow, noise.seedHigh | DROPOUT_BIT, words);
    const i64 first = greatest(key, block), last = least(end, block + 4 * SIDE_BY_SIDE);
    for (i64 j = first; j < last; j++) kept[from + j - key] = words[j - block] < threshold ? 0 : factor;
  }
}

// The same for columns whose keys may be those of a ring's end and beginning.
template <class T>
static __attribute__((noinline)) void keptFactors(const Block<T>& b, const Row<T>& row, T* kept) {
  const i64 turn = least(greatest(b.turn - b.tile, b.from), b.to);
  keptSpan(b, row, b.from, turn, kept);
  keptSpan(b, row, turn, b.to, kept);
}

// Multiplies exponentials of a row by the factors. Those of dropped keys become 0, but NaN stays.
template <class T>
INLINE void dropWeights(const Block<T>& b, const Row<T>& row, T* scores) {
  T kept[FORWARD_KEYS<T>];
  keptFactors(b, row, kept);
  for (i64 c = b.from; c < b.to; c += LANES<T>) store(scores + c, load(scores + c) * load(kept + c));
}

}  // namespace
}  // namespace heed
