import type { AttentionProblem } from '@heed/core';
import { FRAME_BYTES, writeFrame } from '../kernels/frame.ts';
import { kernelOf } from '../kernels/kernel.ts';
import { floatFields, tensorFields } from './fields.ts';
import type { Plan, PlanOptions } from './plan.ts';
import { Region } from './region.ts';
import { type HeadSizes, headSizes, slotsOf, wavesOf } from './sizes.ts';
import { moduleOf, variantOf } from './variant-of.ts';

const NOTHING_PACKED: HeadSizes = { packedKey: 0, packedValue: 0, bad: 0 };

/** How a problem's forward run is computed. */
export function forwardPlan(problem: AttentionProblem, options: PlanOptions): Plan {
  const variant = variantOf(problem, 'forward', options);
  const { tiling, scratch, parts } = kernelOf(variant);
  const { heads, kvHeads, queryLength, keyLength } = problem;
  const blocks = Math.ceil(((heads / kvHeads) * queryLength) / tiling.blockRows);
  const tiles = Math.ceil(keyLength / tiling.tileKeys);
  const sizes = variant.direct
    ? NOTHING_PACKED
    : headSizes(problem, tiling, parts.sumsValues ? tiling.valueColumns : 0);
  const slots = variant.direct
    ? problem.batch * kvHeads
    : slotsOf(problem, sizes.packedKey + sizes.packedValue + sizes.bad);
  const shared = new Region();
  const packedKey = shared.take(slots * sizes.packedKey);
  const packedValue = shared.take(slots * sizes.packedValue);
  const bad = shared.take(slots * sizes.bad);
  return {
    algorithm: 'flash attention: online softmax over packed tiles',
    tile: { query: tiling.blockRows, key: tiling.tileKeys },
    module: moduleOf(variant),
    phases: blocks === 0 ? [] : wavesOf(problem, slots, { pack: variant.direct ? 0 : tiles, attend: blocks }),
    threadScratchBytes: scratch.bytes,
    sharedScratchBytes: shared.bytes,
    frameBytes: FRAME_BYTES,
    writeFrame(memory, at, addresses) {
      const integers = {
        ...tensorFields(problem, addresses),
        blocks,
        blockRows: tiling.blockRows,
        tiles,
        slots,
        packedKey: addresses.scratch + packedKey,
        packedKeySlot: sizes.packedKey,
        packedValue: addresses.scratch + packedValue,
        packedValueSlot: sizes.packedValue,
        bad: addresses.scratch + bad,
        badSlot: sizes.bad,
      };
      writeFrame(memory, at, integers, floatFields(problem));
    },
  };
}
