import type { AttentionProblem } from '@heed/core';
import { FRAME_BYTES } from './frame.ts';
import { contextOf } from '../module/context.ts';
import { partialBytes } from '../forward/splits.ts';
import { keptBytes } from '../forward/weights.ts';
import { AHEAD_NUMBERS, SPLIT_KEYS, type Tiling } from './tiling.ts';
import type { Variant } from './variant.ts';
import { frameWriter } from './frame-writer.ts';
import type { Plan, PlanOptions } from './plan.ts';
import { Region } from './region.ts';
import { type HeadSizes, headSizes, roundUp, slotsOf, wavesOf } from './sizes.ts';
import { moduleOf, variantOf } from './variant-of.ts';

const NOTHING_PACKED: HeadSizes = { packedKey: 0, packedValue: 0, nonFinite: 0 };

/** Work items that are enough for threads to share them evenly, and least number of rows of a block. */
const EVEN_ITEMS = 16;
const MINIMUM_ROWS = 18;

/**
 * Number of rows of a block when threads share the work: fewer if whole blocks would be too few. Blocks end where row
 * groups do, so that no bit of a row depends on it.
 */
function sharedBlockRows(
  { direct, split }: Variant,
  { rows: rowGroup, blockRows }: Tiling,
  rows: number,
  { batch, kvHeads }: AttentionProblem,
): number {
  if (direct || split) return blockRows;
  const share = roundUp(Math.max(MINIMUM_ROWS, (rows * batch * kvHeads) / EVEN_ITEMS), rowGroup);
  return Math.min(blockRows, share);
}

function numbersInCache({ kvBatch, kvHeads, keyLength, headDim, valueDim }: AttentionProblem): number {
  return kvBatch * kvHeads * keyLength * (headDim + valueDim);
}

/** Plans a problem's forward run. */
export function forwardPlan(problem: AttentionProblem, options: PlanOptions): Plan {
  const variant = variantOf(problem, 'forward', options);
  const context = contextOf(variant);
  const { tiling, scratch, needs, element } = context;
  const { heads, kvHeads, queryLength, keyLength } = problem;
  const rows = (heads / kvHeads) * queryLength;
  const blockRows = options.shared ? sharedBlockRows(variant, tiling, rows, problem) : tiling.blockRows;
  const blocks = Math.ceil(rows / blockRows);
  const tiles = Math.ceil(keyLength / tiling.tileKeys);
  const sizes = variant.direct
    ? NOTHING_PACKED
    : headSizes(problem, tiling, needs.sumsValues ? tiling.valueColumns : 0);
  const slots = variant.direct
    ? problem.batch * kvHeads
    : slotsOf(problem, sizes.packedKey + sizes.packedValue + sizes.nonFinite);
  const splitKeys = Math.floor(SPLIT_KEYS / tiling.tileKeys) * tiling.tileKeys;
  const splits = variant.split ? Math.ceil(keyLength / splitKeys) : 1;
  const partialRow = variant.split ? partialBytes(tiling, element, needs.sumsValues) : 0;
  const shared = new Region();
  const partials = shared.take(slots * rows * splits * partialRow);
  const packedKey = shared.take(slots * sizes.packedKey);
  const packedValue = shared.take(slots * sizes.packedValue);
  const nonFinite = shared.take(slots * sizes.nonFinite);
  const items = {
    pack: variant.direct ? 0 : tiles,
    attend: splits * blocks,
    merge: variant.split ? blocks : 0,
  };
  return {
    algorithm: `flash attention: online softmax over ${variant.direct ? 'keys read in place' : 'packed tiles'}`,
    tile: { query: blockRows, key: tiling.tileKeys },
    module: moduleOf(variant),
    phases: blocks === 0 ? [] : wavesOf(problem, slots, items),
    threadScratchBytes: scratch.bytes + keptBytes(context, tiling.blockRows, keyLength),
    sharedScratchBytes: shared.bytes,
    frameBytes: FRAME_BYTES,
    writeFrame: frameWriter(
      problem,
      {
        blocks,
        blockRows,
        tiles,
        splits,
        splitKeys,
        slots,
        readsAhead: Number(numbersInCache(problem) >= AHEAD_NUMBERS),
        packedKeySlot: sizes.packedKey,
        packedValueSlot: sizes.packedValue,
        nonFiniteSlot: sizes.nonFinite,
      },
      { partials, packedKey, packedValue, nonFinite },
    ),
  };
}
