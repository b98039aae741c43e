// Dropout of the elements of a tensor: SPEC.md, clause elementDropout. A task is a run of elements, so that threads change no bit.
//
// The random words take the time: 10 rounds of two products of 32 bits for four of them (Salmon et al., "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011). As many blocks as dropout.h makes side by side serve 64 neighbors.
#pragma once
#include "dropout.h"

namespace heed {
namespace {

constexpr i64 DROPOUT_NUMBERS = 1 << 14, WORDS = 4 * SIDE_BY_SIDE;

template <class T>
static Plan planDropout(const ElementDropout& dropout) {
  Plan plan{};
  plan.tasks = ceilDivide(dropout.count, DROPOUT_NUMBERS);
  // A number takes a thread 2.7 ns, whatever its type (AMD EPYC, Zen 5).
  plan.microseconds = (double)dropout.count * 2.7 / 1000;
  return plan;
}

// x * keep + residual of up to WORDS neighbors. A dropped element is 0, whatever x holds.
template <class T>
INLINE void dropNumbers(const uint32_t* words, uint32_t threshold, T factor, const T* x, const T* residual, T* y, i64 count) {
  if (residual == nullptr) {
    for (i64 n = 0; n < count; n++) y[n] = words[n] < threshold ? 0 : x[n] * factor;
    return;
  }
  for (i64 n = 0; n < count; n++) y[n] = (words[n] < threshold ? 0 : x[n] * factor) + residual[n];
}

template <class T>
static void dropoutTask(const Run& run, i64 task, char*) {
  if (__atomic_load_n(run.stop, __ATOMIC_RELAXED) != 0) return;
  const ElementDropout& dropout = *run.dropout;
  const T *input = (const T*)dropout.input, *residual = (const T*)dropout.residual;
  T* output = (T*)dropout.output;
  const T factor = (T)dropout.factor;
  const i64 end = least(dropout.count, (task + 1) * DROPOUT_NUMBERS);
  for (i64 first = task * DROPOUT_NUMBERS; first < end; first += WORDS) {
    // Blocks of 2^34 elements begin with a whole number of WORDS.
    const uint32_t place[3] = {(uint32_t)(first >> 34), dropout.stream, 0};
    uint32_t words[WORDS];
    philoxBlocks((uint32_t)(first >> 2), place, dropout.seedLow, dropout.seedHigh, words);
    const T* past = residual == nullptr ? nullptr : residual + first;
    if (end - first >= WORDS) dropNumbers<T>(words, dropout.threshold, factor, input + first, past, output + first, WORDS);
    else dropNumbers<T>(words, dropout.threshold, factor, input + first, past, output + first, end - first);
  }
}

}  // namespace
}  // namespace heed
