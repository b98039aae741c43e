import { type FloatDType, type Tensor, cast, tensor } from '@heed/core';
import { philox4x32 } from '@heed/core/backend';
import type { Mutant } from './mutant.ts';
import { STEPS, type Steps } from './steps.ts';

/** One step of the arithmetic is wrong. */
function step(clause: string, steps: Partial<Steps>): Mutant {
  return { clause, overrides: { steps } };
}

function rounded(number: number, dtype: FloatDType): number {
  const one = cast(tensor(Float64Array.of(number), [1]), dtype);
  return cast(one, 'float64').data[0]!;
}

/** Cuts off what the type has no bits for, as a shift does. */
function truncated(result: Tensor, dtype: FloatDType): Tensor {
  const nearest = cast(result, dtype);
  if (dtype !== 'float16' && dtype !== 'bfloat16') return nearest;
  const numbers = cast(nearest, 'float64').data;
  const data = Uint16Array.from(nearest.data, (bits, n) =>
    Math.abs(numbers[n]!) > Math.abs(result.data[n]!) ? bits - 1 : bits,
  );
  return { dtype, shape: nearest.shape, data };
}

function withoutNaN(result: Tensor): Tensor {
  if (result.dtype !== 'float16' && result.dtype !== 'bfloat16') return result;
  const infinity = result.dtype === 'float16' ? 0x7c00 : 0x7f80;
  const data = (result.data as Uint16Array).map((bits) => ((bits & 0x7fff) > infinity ? infinity : bits));
  return { ...result, data };
}

/** Backends whose numbers are wrong, by what is wrong with them. */
export const ARITHMETIC_MUTANTS: Readonly<Record<string, Mutant>> = {
  'scale forgotten': step('order', { scale: () => 1 }),
  'scale applied twice': step('order', { scale: (p) => p.scale ** 2 }),
  'scale of the value size': step('order', {
    scale: (p) => (p.scale === p.headDim ** -0.5 ? p.valueDim ** -0.5 : p.scale * 1.01),
  }),
  'scale on the bias as well': step('order', { score: (t) => STEPS.score({ ...t, bias: t.scale * t.bias }) }),
  'softcap after the mask': step('order', {
    score: (t) => {
      const all = STEPS.score({ ...t, softcap: null });
      return t.softcap === null || !Number.isFinite(all) ? all : t.softcap * Math.tanh(all / t.softcap);
    },
  }),
  'softcap before the scale': step('order', {
    score: (t) =>
      t.softcap === null
        ? STEPS.score(t)
        : STEPS.score({ ...t, softcap: null, product: t.softcap * Math.tanh(t.product / t.softcap) }),
  }),
  'softcap not multiplied back': step('softcap', {
    score: (t) => STEPS.score(t.softcap === null ? t : { ...t, softcap: 1, scale: t.scale / t.softcap }),
  }),

  'the last partial tile dropped': step('shape', {
    keyEnd: (length) => (length > 32 ? length - (length % 32) : length),
  }),
  'one key too few looked at': step('shape', { keyEnd: (length) => Math.max(0, length - 1) }),
  'D taken for Dv': step('valueDim', { depthOfValue: (p) => p.headDim }),
  'Dv taken for D': step('valueDim', { depthOfDot: (p) => Math.min(p.headDim, p.valueDim) }),
  'layout ignored': step('layout', { rowStart: (_, at, sizes) => STEPS.rowStart('bhld', at, sizes) }),
  'heads of keys in turn': step('gqa', { kvHead: (h, p) => h % p.kvHeads }),
  'all heads read key head 0': step('gqa', { kvHead: () => 0 }),

  'mask upside down': step('mask', { maskAllows: (value) => value === 0 }),
  'only 1 is true': step('mask', { maskAllows: (value) => value === 1 }),
  'mask of heads read by batch': step('mask', {
    broadcast: (shape, [b, , i, j]) => STEPS.broadcast(shape, [b, b % shape[1], i, j]),
  }),
  'mask transposed': step('mask', {
    broadcast: (shape, [b, h, i, j]) =>
      STEPS.broadcast(shape, shape[2] === shape[3] ? [b, h, j, i] : [b, h, i, j]),
  }),
  'mask broadcast from the left': step('mask', {
    broadcast: (shape, at) =>
      shape[0] === 1 && shape[1] === 1
        ? STEPS.broadcast(shape, [at[0], at[1], at[3] % shape[2], at[2] % shape[3]])
        : STEPS.broadcast(shape, at),
  }),
  'minus infinity added, not excluded': step('mask', { termAllows: () => true }),
  'bias forgotten': step('bias', { score: (t) => STEPS.score({ ...t, bias: 0 }) }),
  'bias subtracted': step('bias', { score: (t) => STEPS.score({ ...t, bias: -t.bias }) }),

  'causal off by one': step('causal', { causal: (key, position) => key < position }),
  'causal one too far': step('causal', { causal: (key, position) => key <= position + 1 }),
  'causal forgotten': step('causal', { causal: () => true }),
  'causal at the wrong corner': step('alignment', { bottomRight: () => 0 }),
  'always bottom right': step('alignment', { topLeft: (p) => p.keyLength - p.queryLength }),
  'bottom right of the axes, not of the lengths': step('alignment', {
    bottomRight: (_keys, _queries, p) => p.keyLength - p.queryLength,
  }),
  'bottom right clamped at 0': step('alignment', {
    bottomRight: (keys, queries) => Math.max(0, keys - queries),
  }),
  'offset with the wrong sign': step('alignment', { offset: (offsets, b) => -offsets[b]! }),
  'offset of the first batch for all': step('alignment', { offset: (offsets) => offsets[0]! }),
  'window exclusive on the left': step('window', {
    windowLeft: (key, position, left) => key > position - left,
  }),
  'window exclusive on the right': step('window', {
    windowRight: (key, position, right) => key < position + right,
  }),
  'window without alignment': step('window', { windowLeft: (key, _, left, i) => key >= i - left }),
  'window sides swapped': step('window', {
    windowLeft: (key, position, left) => key <= position + left,
    windowRight: (key, position, right) => key >= position - right,
  }),
  'window of 0 excludes nothing': step('window', {
    windowLeft: (key, position, left) => left === 0 || key >= position - left,
  }),

  'key length off by one': step('lengths', { withinKeys: (key, length) => key <= length }),
  'key start off by one': step('lengths', { pastStart: (key, start) => key >= start - 1 }),
  'key start one too late': step('lengths', { pastStart: (key, start) => start === 0 || key > start }),
  'key start ignored': step('lengths', { pastStart: () => true }),
  'key length one too short': step('lengths', { withinKeys: (key, length) => key < Math.max(1, length - 1) }),
  'query length off by one': step('lengths', { withinQueries: (i, length) => i <= length }),
  'query length ignored': step('lengths', { withinQueries: () => true }),
  'segment ids compared to positions': step('segments', { sameSegment: (query, _key, _i, j) => query === j }),
  'segment ids as float32': step('segments', {
    sameSegment: (query, key) => Math.fround(query) === Math.fround(key),
  }),
  'segment ids in order': step('segments', { sameSegment: (query, key) => key <= query }),

  'ALiBi not symmetric': step('alibi', {
    score: (t) => STEPS.score({ ...t, slope: 0 }) - t.slope * (t.position - t.key),
  }),
  'ALiBi added': step('alibi', { score: (t) => STEPS.score({ ...t, slope: -t.slope }) }),
  'ALiBi only before the query': step('alibi', {
    score: (t) => STEPS.score({ ...t, slope: t.key > t.position ? 0 : t.slope }),
  }),

  'sink given a value': step('sinks', { sinkValue: (weight) => weight }),
  'sink left out of the sum': step('sinks', { sinkTerm: () => 0 }),
  'sink left out of the maximum': step('sinks', { sinkInMaximum: () => -Infinity }),
  'sink of minus infinity made NaN': step('sinks', { sinkTerm: (sink, max) => Math.exp(sink - max) }),

  'scores in float16': step('dtype', {
    keptScore: (score, dtype) => (dtype === 'float16' ? rounded(score, dtype) : score),
  }),
  'weights in float16': step('dtype', {
    keptWeight: (weight, dtype) => (dtype === 'float16' ? rounded(weight, dtype) : weight),
  }),
  'sums in bfloat16': step('dtype', {
    addToOutput: (sum, term, dtype) => (dtype === 'bfloat16' ? rounded(sum + term, dtype) : sum + term),
  }),
  'truncation for rounding to the nearest': step('dtype', { roundResult: truncated }),
  'NaN rounded to infinity': step('dtype', {
    roundResult: (result, dtype) => withoutNaN(STEPS.roundResult(result, dtype)),
  }),

  'NaN on empty rows': step('empty', { emptyOutput: () => NaN }),
  'empty rows uniform': step('empty', { emptyOutput: () => 0.5 }),
  'logSumExp of empty rows 0': step('empty', {
    logSumExp: (max, sum) => (sum === 0 ? 0 : max + Math.log(sum)),
  }),
  'maximum not subtracted': step('overflow', { maximum: () => 0 }),
  'maximum of the first key alone': step('overflow', { maximum: (scores, sink) => scores[0] ?? sink }),
  'mask folded into base 2, beyond float32': step('overflow', {
    score: (t) => STEPS.score({ ...t, mask: Math.fround(Math.LOG2E * t.mask) / Math.LOG2E }),
  }),
  'low numbers excluded': step('overflow', { termAllows: (value) => value > -1e30 }),
  'a sum that overflows is NaN': step('overflow', { overflowedScore: () => NaN }),
  'a sum that overflows is the lowest number': step('overflow', { overflowedScore: () => -3.4e38 }),
  'sums are never rounded': step('overflow', { roundScore: (score) => score }),
  'scores clamped': step('overflow', { score: (t) => Math.min(5000, STEPS.score(t)) }),
  'exponentials of 12 bits': step('accuracy', {
    exponential: (score, max) => Math.round(4096 * Math.exp(score - max)) / 4096,
  }),
  'logSumExp in base 2': step('logSumExp', { logSumExp: (max, sum) => max + Math.log2(sum) }),
  'logSumExp without the maximum': step('logSumExp', { logSumExp: (_, sum) => Math.log(sum) }),

  'ties to the highest index': step('selection', { choose: (all) => all.lastIndexOf(Math.max(...all)) }),
  'the worst key chosen': step('selection', { choose: (all) => all.indexOf(Math.min(...all)) }),
  'choice of empty rows 0': step('selection', { emptyChoice: () => 0 }),
  'noise without the head': step('selection', {
    noise: (seed, [b, _, i], j) => STEPS.noise(seed, [b, 0, i], j),
  }),
  'noise with batch and head swapped': step('selection', {
    noise: (seed, [b, h, i], j) => STEPS.noise(seed, [h, b, i], j),
  }),
  'seed of 32 bits': step('selection', { noise: (seed, place, j) => STEPS.noise(seed >>> 0, place, j) }),
  'noise forgotten': step('selection', { noise: () => 0 }),
  'Gumbel noise without its second logarithm': step('selection', {
    noise: (seed, [b, h, i], j) => {
      const word = philox4x32([j >>> 2, i, h, b], [seed >>> 0, Math.floor(seed / 2 ** 32)])[j & 3]!;
      return -Math.log(((word >>> 9) + 0.5) * 2 ** -23);
    },
  }),

  'gradient without the row mean': step('gradient', { dScore: ({ weight, dWeight }) => weight * dWeight }),
  'gradient without the scale': step('gradient', { dProduct: (dScore) => dScore }),
  'gradient without the softcap': step('gradient', { dSoftcap: (dScore) => dScore }),
  'dBias not summed': step('gradient', {
    addToBias: (data, at, number) => {
      data[at] = number;
    },
  }),
  'dSinks of the last row alone': step('gradient', {
    addToSinks: (data, at, number) => {
      data[at] = number;
    },
  }),
  'dSinks with the wrong sign': step('gradient', { dSink: (weight, mean) => weight * mean }),

  'infinity hidden by the softcap': step('nonfinite', {
    score: (t) =>
      t.softcap === null
        ? STEPS.score(t)
        : STEPS.score({
            ...t,
            softcap: null,
            scale: 1,
            product: t.softcap * Math.tanh((t.scale * t.product) / t.softcap),
          }),
  }),
  'NaN taken for a weight of 0': step('nonfinite', {
    maximum: (scores, sink) =>
      STEPS.maximum(
        scores.filter((score) => !Number.isNaN(score)),
        sink,
      ),
    exponential: (score, max) => (Number.isNaN(score) ? 0 : Math.exp(score - max)),
  }),
  'values of weight 0 not read': step('nonfinite', { counts: (weight) => weight !== 0 }),
};
