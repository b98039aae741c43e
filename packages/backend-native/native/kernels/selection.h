// Hard attention: the key with the largest score of each row, with noise for `sample`.
#pragma once
#include "block.h"
#include "logarithm.h"

namespace heed {
namespace {

// Ten rounds of Philox4x32 (Salmon, Moraes, Dror and Shaw, SC 2011, section 3.3): the random words of keys key ...
// key + 3 of a row, as SPEC.md, clause selection, says bit by bit.
INLINE void philox(uint32_t (&c)[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t first = 0xd2511f53ull * c[0], second = 0xcd9e8d57ull * c[2];
    c[0] = (uint32_t)(second >> 32) ^ c[1] ^ k0;
    c[1] = (uint32_t)second;
    c[2] = (uint32_t)(first >> 32) ^ c[3] ^ k1;
    c[3] = (uint32_t)first;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
}

INLINE double gumbel(uint32_t word) {
  const double u = ((double)(word >> 9) + 0.5) * 0x1p-23;
  return -logarithm(-logarithm(u));
}

// Takes the scores of a row with the open tile into account. The largest wins, the first among equals; NaN is the
// largest.
template <class T>
INLINE void choose(const Block<T>& b, Row<T>& row, const T* scores) {
  const bool sampled = b.p.selection == Selection::sample;
  const Noise& noise = b.run.noise;
  uint32_t words[4];
  i64 four = -1;
  for (i64 c = b.from; c < b.to; c++) {
    if (scores[c] == (T)-INF) continue;
    const i64 key = b.keyAt(b.tile + c);
    double candidate = (double)scores[c];
    if (sampled) {
      const i64 counted = key + noise.key;
      if (four != counted >> 2) {
        four = counted >> 2;
        words[0] = (uint32_t)four;
        words[1] = (uint32_t)row.index + noise.query;
        words[2] = (uint32_t)row.head + noise.head;
        words[3] = (uint32_t)b.batch + noise.batch;
        philox(words, noise.seedLow, noise.seedHigh);
      }
      candidate += gumbel(words[counted & 3]);
    }
    // The keys of a ring do not come in their order.
    const bool isEqual = candidate == row.best || (candidate != candidate && row.best != row.best);
    const bool isEarlier = b.p.ring && isEqual && key < row.choice;
    if (candidate > row.best || (candidate != candidate && row.best == row.best) || isEarlier) {
      row.best = candidate;
      row.choice = key;
    }
  }
}

// Writes the results of a row: the choice, the value of that key, a weight of 1.
template <class T>
INLINE void writeChoice(const Block<T>& b, const Row<T>& row) {
  const Problem& p = b.p;
  const bool finite = row.best == row.best;
  const i64 column = p.ring && row.choice >= 0 ? row.choice % p.keyLength : row.choice;
  if (p.wantsChoice) b.template operand<int32_t>(Operand::choice)[row.place] = (int32_t)row.choice;
  if (p.wantsOutput) {
    const T spoiled = finite ? 0 : (T)__builtin_nanf("");
    for (i64 d = 0; d < p.valueDim; d += LANES<T>) {
      const int count = (int)least(LANES<T>, p.valueDim - d);
      Vector<T> x = splat<T>(spoiled);
      if (row.choice >= 0 && finite) {
        const Source<T> values = b.values();
        x = values.part(values.place(column), d, count);
      }
      storeAs<T>(p.format, elementOf<T>(p.format, b.outputRow(row), d), x, count);
    }
  }
  if (p.wantsWeights) {
    void* weights = b.weightsRow(row);
    __builtin_memset(weights, 0, p.keyLength * bytesOf<T>(p.format));
    if (row.choice >= 0)
      storeAs<T>(p.format, elementOf<T>(p.format, weights, column), splat<T>(finite ? 1 : (T)__builtin_nanf("")), 1);
  }
}

}  // namespace
}  // namespace heed
