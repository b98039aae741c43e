// Rows of a weight by their indices, and the gradient of the weight: SPEC.md, clause embedding.
#pragma once
#include "tiling.h"

namespace heed {
namespace {

constexpr i64 EMBEDDING_NUMBERS = 1 << 14, GRADIENT_TASKS = 32;

// Places of a task; for the gradient rows of the weight, each of which adds its places in their order, whoever computes it. A task looks
// through all indices for its own, so that there are few of them.
template <class T>
INLINE i64 rowsOfTask(const Embedding& embedding) {
  const i64 rows = greatest(1, EMBEDDING_NUMBERS / embedding.width);
  return embedding.isGradient ? greatest(rows, ceilDivide(embedding.count, GRADIENT_TASKS)) : rows;
}

template <class T>
static Plan planEmbedding(const Embedding& embedding) {
  Plan plan{};
  const i64 rows = embedding.isGradient ? embedding.count : embedding.places;
  plan.tasks = ceilDivide(rows, rowsOfTask<T>(embedding));
  // A number is read and written once: 12 GB/s.
  plan.microseconds = (double)((rows + embedding.places) * embedding.width) * sizeof(T) / 12000;
  return plan;
}

template <class T>
static void embeddingTask(const Run& run, i64 task, char*) {
  if (__atomic_load_n(run.stop, __ATOMIC_RELAXED) != 0) return;
  const Embedding& embedding = *run.embedding;
  const i64 width = embedding.width, rows = rowsOfTask<T>(embedding), first = task * rows;
  const int32_t* indices = (const int32_t*)embedding.indices;
  const T* from = (const T*)embedding.input;
  T* to = (T*)embedding.output;
  const size_t bytes = (size_t)width * sizeof(T);
  if (!embedding.isGradient) {
    for (i64 place = first; place < least(embedding.places, first + rows); place++) {
      if (indices[place] < 0) __builtin_memset(to + place * width, 0, bytes);
      else __builtin_memcpy(to + place * width, from + indices[place] * width, bytes);
    }
    return;
  }
  const i64 end = least(embedding.count, first + rows);
  __builtin_memset(to + first * width, 0, (size_t)(end - first) * bytes);
  for (i64 place = 0; place < embedding.places; place++) {
    const i64 row = indices[place];
    if (row < first || row >= end) continue;
    const T* __restrict term = from + place * width;
    T* __restrict sum = to + row * width;
    for (i64 n = 0; n < width; n++) sum[n] += term[n];
  }
}

}  // namespace
}  // namespace heed
