import type { AttentionProblem } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import { FRAME_BYTES } from './frame.ts';
import { contextOf } from '../module/context.ts';
import { ROUNDED_BYTES } from '../gradient/sums.ts';
import type { Tiling } from './tiling.ts';
import { frameWriter } from './frame-writer.ts';
import type { Plan, PlanOptions } from './plan.ts';
import { Region } from './region.ts';
import { elementBytes, headSizes, roundUp, slotsOf, wavesOf } from './sizes.ts';
import { moduleOf, variantOf } from './variant-of.ts';

/** Maximum of work items that share the query blocks of a key/value head, each with sums of its own. */
const MAXIMUM_CHUNKS = 8;

/** Plans the computation of a problem's gradients. */
export function gradientPlan(problem: AttentionProblem, options: PlanOptions): Plan {
  const variant = variantOf(problem, 'gradient', options);
  const { tiling, scratch, storage } = contextOf(variant);
  const { keyLength, valueDim, batch, kvHeads } = problem;
  const { blockRows, blocks, chunks } = blocksOf(problem, tiling);
  const tiles = Math.ceil(keyLength / tiling.tileKeys);
  const sizes = headSizes(problem, tiling, valueDim);
  const sums = sumSizes(problem, tiling, tiles);
  const keyRowsSlot = roundUp(keyLength, tiling.columns) * tiling.keyColumns * elementBytes(problem);
  const perChunk = sums.key + sums.value + sums.bias + sums.sink;
  const perHead = sizes.packedKey + sizes.packedValue + sizes.nonFinite + keyRowsSlot + chunks * perChunk;
  const ownSlots = sharesBias(problem) ? 1 : slotsOf(problem, perHead);
  // Heads that add to the same keys take turns: no two of them are worked on at one time.
  const slots = variant.sharedKeys ? Math.min(ownSlots, kvHeads) : ownSlots;
  const shared = new Region();
  const packedKey = shared.take(slots * sizes.packedKey);
  const packedValue = shared.take(slots * sizes.packedValue);
  const nonFinite = shared.take(slots * sizes.nonFinite);
  const keyRows = shared.take(slots * keyRowsSlot);
  const keySums = shared.take(slots * chunks * sums.key);
  const valueSums = shared.take(slots * chunks * sums.value);
  const biasSums = shared.take(slots * chunks * sums.bias);
  const sinkSums = shared.take(slots * chunks * sums.sink);
  const totals = variant.sharedKeys ? { key: sums.key, value: sums.value } : { key: 0, value: 0 };
  const keyTotals = shared.take(kvHeads * totals.key);
  const valueTotals = shared.take(kvHeads * totals.value);
  const biasBytes = problem.bias === null ? 0 : elementBytes(problem) * sizeOf(problem.bias.shape);
  // Sums of a 16-bit type are float32 until they are complete.
  const dBias = storage.half ? { dBias: shared.take(biasBytes) } : {};
  const roundings = storage.half ? Math.ceil(biasBytes / ROUNDED_BYTES) : 0;
  const waves = wavesOf(problem, slots, { pack: tiles, gradient: chunks, reduce: tiles }, 'reduceShared');
  return {
    algorithm: 'flash attention: gradient from weights computed anew',
    tile: { query: blockRows, key: tiling.tileKeys },
    module: moduleOf(variant),
    phases: [
      { export: 'clear', firstTask: 0, tasks: 1 },
      ...waves,
      ...(roundings > 0 ? [{ export: 'roundBias', firstTask: 0, tasks: roundings }] : []),
    ],
    threadScratchBytes: scratch.bytes,
    sharedScratchBytes: shared.bytes,
    frameBytes: FRAME_BYTES,
    writeFrame: frameWriter(
      problem,
      {
        blocks,
        blockRows,
        tiles,
        slots,
        chunks,
        allHeads: batch * kvHeads,
        packedKeySlot: sizes.packedKey,
        packedValueSlot: sizes.packedValue,
        nonFiniteSlot: sizes.nonFinite,
        keyRowsSlot,
        keySumsChunk: sums.key,
        valueSumsChunk: sums.value,
        biasSumsChunk: sums.bias,
        biasSumsHead: sums.biasHead,
        keyTotalsHead: totals.key,
        valueTotalsHead: totals.value,
        dBiasBytes: biasBytes,
      },
      {
        packedKey,
        packedValue,
        nonFinite,
        keyRows,
        keySums,
        valueSums,
        biasSums,
        sinkSums,
        keyTotals,
        valueTotals,
        ...dBias,
      },
    ),
  };
}

/**
 * Blocks hold a whole head group at a position, if it fits, so that no two chunks add to the same row of a bias;
 * otherwise there is one chunk. Depends on lengths alone, so that a head's bits do not depend on others.
 */
function blocksOf({ heads, kvHeads, queryLength }: AttentionProblem, tiling: Tiling) {
  const headGroup = heads / kvHeads;
  const fits = headGroup <= tiling.blockRows;
  const blockRows = fits ? Math.floor(tiling.blockRows / headGroup) * headGroup : tiling.blockRows;
  const blocks = Math.ceil((headGroup * queryLength) / blockRows);
  return { blockRows, blocks, chunks: fits ? Math.max(1, Math.min(MAXIMUM_CHUNKS, blocks)) : 1 };
}

/** Bytes of the sums of one chunk. Register tiles may add to a few keys past the last one. */
function sumSizes(problem: AttentionProblem, tiling: Tiling, tiles: number) {
  const { heads, kvHeads, bias } = problem;
  const bytes = elementBytes(problem);
  const keys = tiles * tiling.tileKeys;
  const summed = bias !== null && bias.shape[2] === 1;
  const biasHead = summed ? bytes * (bias.shape[3] > 1 ? keys : 1) : 0;
  const headGroup = heads / kvHeads;
  return {
    key: keys * tiling.keyColumns * bytes,
    value: keys * tiling.valueColumns * bytes,
    biasHead,
    bias: headGroup * biasHead,
    sink: problem.sinks ? 8 * headGroup : 0,
  };
}

/** Returns whether different key/value heads add to the same rows of a bias' gradient: they then take turns. */
function sharesBias({ bias, batch, heads }: AttentionProblem): boolean {
  if (bias === null || bias.shape[2] === 1) return false;
  return (bias.shape[0] === 1 && batch > 1) || (bias.shape[1] === 1 && heads > 1);
}
