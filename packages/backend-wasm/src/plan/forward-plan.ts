import type { AttentionProblem } from '@heed/core';
import { FRAME_BYTES } from '../kernels/frame.ts';
import { kernelOf } from '../kernels/kernel.ts';
import { partialBytes } from '../kernels/parts.ts';
import { PART_KEYS, type Tiling } from '../kernels/tiling.ts';
import type { Variant } from '../kernels/variant.ts';
import { frameWriter } from './frame-writer.ts';
import type { Plan, PlanOptions } from './plan.ts';
import { Region } from './region.ts';
import { type HeadSizes, headSizes, roundUp, slotsOf, wavesOf } from './sizes.ts';
import { moduleOf, variantOf } from './variant-of.ts';

const NOTHING_PACKED: HeadSizes = { packedKey: 0, packedValue: 0, bad: 0 };

/** Tasks that are enough for threads to share them evenly, and rows that a block has at least. */
const EVEN_TASKS = 16;
const LEAST_ROWS = 18;

/**
 * Rows of a block where threads share the work: fewer where whole blocks would be too few. Blocks end where groups of
 * rows do, so that no bit of a row depends on it.
 */
function sharedBlockRows(
  { direct, split }: Variant,
  { rows: groupRows, blockRows }: Tiling,
  rows: number,
  { batch, kvHeads }: AttentionProblem,
): number {
  if (direct || split) return blockRows;
  const share = roundUp(Math.max(LEAST_ROWS, (rows * batch * kvHeads) / EVEN_TASKS), groupRows);
  return Math.min(blockRows, share);
}

/** How a problem's forward run is computed. */
export function forwardPlan(problem: AttentionProblem, options: PlanOptions): Plan {
  const variant = variantOf(problem, 'forward', options);
  const { tiling, scratch, parts, element } = kernelOf(variant);
  const { heads, kvHeads, queryLength, keyLength } = problem;
  const rows = (heads / kvHeads) * queryLength;
  const blockRows = options.shared ? sharedBlockRows(variant, tiling, rows, problem) : tiling.blockRows;
  const blocks = Math.ceil(rows / blockRows);
  const tiles = Math.ceil(keyLength / tiling.tileKeys);
  const sizes = variant.direct
    ? NOTHING_PACKED
    : headSizes(problem, tiling, parts.sumsValues ? tiling.valueColumns : 0);
  const slots = variant.direct
    ? problem.batch * kvHeads
    : slotsOf(problem, sizes.packedKey + sizes.packedValue + sizes.bad);
  const partKeys = Math.floor(PART_KEYS / tiling.tileKeys) * tiling.tileKeys;
  const partCount = variant.split ? Math.ceil(keyLength / partKeys) : 1;
  const partialRow = variant.split ? partialBytes(tiling, element, parts.sumsValues) : 0;
  const shared = new Region();
  const partials = shared.take(slots * rows * partCount * partialRow);
  const packedKey = shared.take(slots * sizes.packedKey);
  const packedValue = shared.take(slots * sizes.packedValue);
  const bad = shared.take(slots * sizes.bad);
  const tasks = {
    pack: variant.direct ? 0 : tiles,
    attend: partCount * blocks,
    merge: variant.split ? blocks : 0,
  };
  return {
    algorithm: `flash attention: online softmax over ${variant.direct ? 'keys read in place' : 'packed tiles'}`,
    tile: { query: blockRows, key: tiling.tileKeys },
    module: moduleOf(variant),
    phases: blocks === 0 ? [] : wavesOf(problem, slots, tasks),
    threadScratchBytes: scratch.bytes,
    sharedScratchBytes: shared.bytes,
    frameBytes: FRAME_BYTES,
    writeFrame: frameWriter(
      problem,
      {
        blocks,
        blockRows,
        tiles,
        parts: partCount,
        partKeys,
        slots,
        packedKeySlot: sizes.packedKey,
        packedValueSlot: sizes.packedValue,
        badSlot: sizes.bad,
      },
      { partials, packedKey, packedValue, bad },
    ),
  };
}
