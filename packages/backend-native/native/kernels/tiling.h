// Sizes of blocks and tiles. They depend on the level and the element type, never on threads, batch or heads.
//
// A block is 96 query rows, in groups of ROWS. A tile is 512 keys of float32 forward, 256 of float64 (192 in the gradient,
// which keeps two matrices of a block with a tile, 80 KB each, in the second-level cache): the scores of a row group, 25
// KB at AVX-512, stay in the first-level cache between product, softmax and values, and a tile of keys or values, 128 KB
// at 64 numbers a row, is read from the second-level cache again for each row group.
#pragma once
#include "multiply.h"

namespace heed {
namespace {

constexpr i64 BLOCK_ROWS = 96;
template <class T>
constexpr i64 FORWARD_KEYS = 2048 / sizeof(T);
constexpr i64 GRADIENT_KEYS = 192;
// Elements from one row of scores to the next. Not a power of two, or the rows would share cache sets.
template <class T>
constexpr i64 FORWARD_STRIDE = FORWARD_KEYS<T> + 16;
constexpr i64 GRADIENT_STRIDE = GRADIENT_KEYS + 16;

// Read keys and values in place when a key/value head has at most this many query rows.
constexpr i64 DIRECT_ROWS = 8;
// Number of keys of a split, a task of its own, for few query rows with many keys.
constexpr i64 DIRECT_SPLIT = 1024;
constexpr i64 PACKED_SPLIT = 4096;
constexpr i64 SPLIT_ROWS = 2 * BLOCK_ROWS;

template <class T>
INLINE i64 paddedTo(i64 columns) {
  return roundUp(columns, PANEL<T>);
}

// Row maximum and row sum precede the output in what a split leaves for the merge.
template <class T>
constexpr i64 PARTIAL_HEAD = LANES<T>;

struct Wants {
  bool softmax, values;
};
INLINE Wants wantsOf(const Problem& p) {
  const bool soft = p.selection == Selection::softmax;
  return {soft || p.wantsStatistics || p.wantsLogSumExp, soft && p.wantsOutput};
}

}  // namespace
}  // namespace heed
