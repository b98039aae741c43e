// Steps on the scores of a row between product and softmax, in the order of SPEC.md, clause order. Exclusions come last
// and set minus infinity over any value: padding never reaches a result.
#pragma once
#include "block.h"
#include "exponential.h"

namespace heed {
namespace {

INLINE bool hasSteps(const Problem& p) {
  return p.hasSoftcap || p.hasBias || p.hasAlibi || p.maskKind != Mask::none || p.hasSegments;
}

// L numbers of a row that has `keyLength` of them, from `key` on; of a row with one for all keys, that one.
template <class U, class V, int L>
INLINE V numbersOf(const U* row, i64 step, i64 key, i64 keyLength) {
  V v{};
  if (step == 0) return row[0] - V{};
  if (key + L <= keyLength) {
    __builtin_memcpy(&v, row + key, sizeof v);
    return v;
  }
  for (int n = 0; n < L; n++) {
    if (key + n < keyLength) v[n] = row[key + n];
  }
  return v;
}

// The same for a row of an element type of 16 bits or of T.
template <class T>
INLINE Vector<T> floatsOf(Format format, const void* row, i64 step, i64 key, i64 keyLength) {
  if (format == Format::same) return numbersOf<T, Vector<T>, LANES<T>>((const T*)row, step, key, keyLength);
  if (step == 0) return splat<T>(numberAs<T>(format, row));
  return loadAs<T>(format, elementOf<T>(format, (void*)row, key), (int)greatest(0, least(LANES<T>, keyLength - key)));
}

template <class T>
INLINE Integers<T> isExcludedByMask(const uint8_t* row, i64 step, i64 key, i64 keyLength) {
  typedef uint8_t Bytes __attribute__((vector_size(LANES<T>)));
  const Bytes allowed = numbersOf<uint8_t, Bytes, LANES<T>>(row, step, key, keyLength);
  return __builtin_convertvector(allowed, Integers<T>) == 0;
}

template <class T>
INLINE Integers<T> isOtherSegment(const int32_t* segments, int32_t own, i64 key, i64 keyLength) {
  typedef int32_t Ids __attribute__((vector_size(4 * LANES<T>)));
  const Ids ids = numbersOf<int32_t, Ids, LANES<T>>(segments, 1, key, keyLength);
  return __builtin_convertvector(ids != own, Integers<T>) != 0;
}

template <class T>
INLINE void fill(T* at, i64 from, i64 to, T number) {
  for (i64 n = from; n < to; n++) at[n] = number;
}

// c tanh(s / c), with tanh(x) = (e^2x - 1) / (e^2x + 1) of the absolute value and the sign put back. Products may
// overflow, which tanh would hide. The rounded reciprocal of the cap would shift all scores one way. `slope` becomes
// the derivative.
template <class T>
INLINE Vector<T> softcapped(Vector<T> score, T cap, Vector<T>& slope) {
  using I = Integers<T>;
  const I sign = (I)splat<T>((T)-0.0);
  score = score + (score - score);
  const Vector<T> twice = (Vector<T>)((I)score & ~sign) / splat<T>(cap * (T)0.5);
  const Vector<T> e = exponentialMinusOne<T>(select(twice > 40, splat<T>(40), twice));
  const Vector<T> t = e / (e + 2);
  slope = 1 - t * t;
  return (Vector<T>)((I)(t * cap) | ((I)score & sign));
}

// Columns from ... to - 1 of the open tile of one row. `slopes` takes the softcap's derivatives, unless null.
template <class T>
static __attribute__((noinline)) void scoreSteps(const Block<T>& b, const Row<T>& row, T* scores, T* slopes) {
  using V = Vector<T>;
  using I = Integers<T>;
  constexpr int L = LANES<T>;
  const Problem& p = b.p;
  const i64 from = b.from, to = b.to, keyLength = p.keyLength;
  const T nan = __builtin_nanf("");
  if (row.bad) fill(scores, from, to, nan);
  if (b.tileBad) {
    for (i64 c = from; c < to; c++) {
      if (b.bad[c] || (b.plan.direct && !isFinite(scores[c]))) scores[c] = nan;
    }
  }
  if (hasSteps(p)) {
    const bool adds = p.hasBias || p.hasAlibi || p.maskKind == Mask::floating;
    const int32_t* segments = b.template operand<const int32_t>(Operand::keySegments) + (p.hasSegments ? b.batch * keyLength : 0);
    // A position beyond 2^24 is not a float: |high + (low - j)| with position = high + low is rounded once, as the
    // distance.
    // Of a ring, positions and keys count from the round's begin.
    const T high = (T)(row.position - (double)b.older), newerHigh = (T)(row.position - (double)b.newer);
    V numbers;
    for (int n = 0; n < L; n++) numbers[n] = (T)n;
    const V low = (T)(row.position - (double)b.older - (double)high) - numbers;
    const V newerLow = (T)(row.position - (double)b.newer - (double)newerHigh) - numbers;
    const I sign = (I)splat<T>((T)-0.0);
    for (i64 c = from; c < to; c += L) {
      const i64 key = b.tile + c;
      V score = load(scores + c);
      I excluded{};
      if (p.hasSoftcap) {
        V slope;
        score = softcapped<T>(score, (T)p.softcap, slope);
        if (slopes != nullptr) store(slopes + c, slope);
      }
      if (p.hasBias) {
        const V added = floatsOf<T>(p.format, row.bias, p.bias.key, key, keyLength);
        excluded |= (I)(added == (T)-INF);
        score += added;
      }
      if (p.hasAlibi) {
        V steps = high + (low - (T)key);
        if (key < b.turn) steps = select(numbers < (T)(b.turn - key), newerHigh + (newerLow - (T)key), steps);
        score -= row.slope * (V)((I)steps & ~sign);
      }
      if (p.maskKind == Mask::floating) {
        const V added = floatsOf<T>(p.format, row.mask, p.mask.key, key, keyLength);
        excluded |= (I)(added == (T)-INF);
        score += added;
      }
      // Plus infinity must show. A sum that is minus infinity excludes.
      if (adds) score = select(score < (T)INF, score, splat<T>(nan));
      if (p.maskKind == Mask::boolean)
        excluded |= isExcludedByMask<T>((const uint8_t*)row.mask, p.mask.key, key, keyLength);
      if (p.hasSegments) excluded |= isOtherSegment<T>(segments, row.segment, key, keyLength);
      store(scores + c, select(excluded != 0, splat<T>((T)-INF), score));
    }
  }
  // Keys that are in no page.
  if (b.tileMissing) {
    const int32_t* table = b.template operand<const int32_t>(Operand::blockTable) + b.batch * (keyLength / p.pageSize);
    for (i64 c = from; c < least(to, keyLength - b.tile); c++) {
      if (table[(b.tile + c) / p.pageSize] < 0) scores[c] = (T)-INF;
    }
  }
  // Keys before the first and after the last that the row sees, which other rows of the group need.
  const i64 first = row.first == NO_KEYS ? to : row.first - b.tile;
  fill(scores, from, least(first, to), (T)-INF);
  fill(scores, greatest(row.end - b.tile, from), to, (T)-INF);
  fill(scores, greatest(row.gap - b.tile, from), least(row.gapEnd - b.tile, to), (T)-INF);
}

template <class T>
INLINE bool needsSteps(const Block<T>& b, const Row<T>& row) {
  return hasSteps(b.p) || b.tileBad || b.tileMissing || row.bad || row.first > b.tile + b.from ||
         row.end <= b.tile + b.to - LANES<T> || (row.gap < b.tile + b.to && row.gapEnd > b.tile + b.from);
}

// Excludes the columns of the last vector that are past the last key of a row without other steps.
template <class T>
INLINE void excludeRest(const Block<T>& b, const Row<T>& row, T* scores) {
  const i64 last = b.to - LANES<T>;
  const i64 end = row.end - b.tile - last;
  if (end >= LANES<T>) return;
  Vector<T> numbers;
  for (int n = 0; n < LANES<T>; n++) numbers[n] = (T)n;
  store(scores + last, select(numbers < (T)end, load(scores + last), splat<T>((T)-INF)));
}

// Takes the steps that a row of the open tile needs.
template <class T>
INLINE void takeSteps(const Block<T>& b, const Row<T>& row, T* scores, T* slopes) {
  if (needsSteps(b, row)) scoreSteps<T>(b, row, scores, slopes);
  else excludeRest(b, row, scores);
}

}  // namespace
}  // namespace heed
