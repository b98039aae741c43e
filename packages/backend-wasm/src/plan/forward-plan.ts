import type { AttentionProblem } from '@heed/core';
import { FRAME_BYTES } from '../kernels/frame.ts';
import { kernelOf } from '../kernels/kernel.ts';
import { partialBytes } from '../kernels/parts.ts';
import { PART_KEYS } from '../kernels/tiling.ts';
import { frameWriter } from './frame-writer.ts';
import type { Plan, PlanOptions } from './plan.ts';
import { Region } from './region.ts';
import { type HeadSizes, headSizes, slotsOf, wavesOf } from './sizes.ts';
import { moduleOf, variantOf } from './variant-of.ts';

const NOTHING_PACKED: HeadSizes = { packedKey: 0, packedValue: 0, bad: 0 };

/** How a problem's forward run is computed. */
export function forwardPlan(problem: AttentionProblem, options: PlanOptions): Plan {
  const variant = variantOf(problem, 'forward', options);
  const { tiling, scratch, parts, element } = kernelOf(variant);
  const { heads, kvHeads, queryLength, keyLength } = problem;
  const rows = (heads / kvHeads) * queryLength;
  const blocks = Math.ceil(rows / tiling.blockRows);
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
    tile: { query: tiling.blockRows, key: tiling.tileKeys },
    module: moduleOf(variant),
    phases: blocks === 0 ? [] : wavesOf(problem, slots, tasks),
    threadScratchBytes: scratch.bytes,
    sharedScratchBytes: shared.bytes,
    frameBytes: FRAME_BYTES,
    writeFrame: frameWriter(
      problem,
      {
        blocks,
        blockRows: tiling.blockRows,
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
