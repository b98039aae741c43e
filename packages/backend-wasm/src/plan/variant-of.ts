import type { AttentionProblem } from '@heed/core';
import type { Variant } from './variant.ts';
import { computeDType } from '@heed/core/backend';
import { DIRECT_ROWS, SPLIT_KEYS, SPLIT_ROWS } from './tiling.ts';
import { generate } from '../module/generate.ts';
import type { KernelModule, PlanOptions } from './plan.ts';

/** Returns the variant that the module of a problem depends on, without features that do not change its code. */
export function variantOf(problem: AttentionProblem, pass: Variant['pass'], options: PlanOptions): Variant {
  const { causal, window, lengths, mask, bias, alignment } = problem;
  const ranged = causal || window !== null;

  return {
    pass,
    shared: options.shared,
    relaxed: options.relaxedSimd,
    wide: options.wide,
    dtype: computeDType(problem.dtype),
    storage: problem.dtype,
    cache: problem.cacheType,
    groups: problem.groups,
    pages: problem.pages?.size ?? null,
    ring: problem.ring,
    valueStart: unevenStart(problem),
    headDim: problem.headDim,
    valueDim: problem.valueDim,
    direct: pass === 'forward' && isDirect(problem),
    one:
      pass === 'forward' &&
      isDirect(problem) &&
      (problem.heads / problem.kvHeads) * problem.queryLength === 1,
    split: pass === 'forward' && isSplit(problem),
    ranged,
    alignment: ranged || problem.alibi ? alignment : null,
    keyLengths: lengths.key,
    keyStarts: lengths.keyStart,
    queryLengths: lengths.query,
    mask: mask?.kind ?? null,
    maskPerKey: mask !== null && mask.shape[3] > 1,
    bias: bias !== null,
    biasPerKey: bias !== null && bias.shape[3] > 1,
    // Without queries, too, the axis is there: to sum over it would write to a gradient of no size.
    biasPerQuery: pass === 'gradient' && bias !== null && bias.shape[2] !== 1,
    sharedKeys: pass === 'gradient' && isShared(problem),
    segments: problem.segments,
    alibi: problem.alibi,
    softcap: problem.softcap !== null,
    sinks: problem.sinks,
    selection: problem.selection,
    dropout: problem.dropout !== null && (pass === 'gradient' || problem.outputs.includes('output')),
    outputs: pass === 'gradient' ? [] : [...problem.outputs].sort(),
  };
}

/** Returns the start of a value in a quantized key, if the value is not whole groups; otherwise 0: addresses have it. */
export function unevenStart({ valueFromKey, groups }: AttentionProblem): number {
  if (valueFromKey === null || groups === null) return 0;
  const { start, length } = valueFromKey;
  return start % groups.key === 0 && length % groups.key === 0 ? 0 : start;
}

export function moduleOf(variant: Variant): KernelModule {
  return { key: JSON.stringify(variant), generate: () => generate(variant) };
}

/** Returns whether several elements of the batch read the same keys. */
export function isShared({ batch, kvBatch }: AttentionProblem): boolean {
  return kvBatch !== batch;
}

/**
 * Returns whether keys and values are read in place: few rows, and rows of whole vectors. False if a gradient follows:
 * it takes the row maximum from scores that are summed in its own order.
 */
function isDirect(problem: AttentionProblem): boolean {
  const { heads, kvHeads, queryLength, headDim, valueDim, dtype } = problem;
  const lanes = dtype === 'float64' ? 2 : 4;
  const whole = headDim % lanes === 0 && valueDim % lanes === 0;
  return !problem.gradient && whole && (heads / kvHeads) * queryLength <= DIRECT_ROWS;
}

/** Returns whether the keys are split. Depends on the lengths of one head, not on how many there are. */
function isSplit(problem: AttentionProblem): boolean {
  const { heads, kvHeads, queryLength, keyLength, selection, outputs } = problem;
  const few = (heads / kvHeads) * queryLength <= SPLIT_ROWS;
  return few && keyLength >= 2 * SPLIT_KEYS && selection === 'softmax' && !outputs.includes('weights');
}
