import type { AttentionProblem } from '@heed/core';
import { FRAME_BYTES, writeFrame } from '../kernels/frame.ts';
import { generate } from '../kernels/generate.ts';
import { kernelOf } from '../kernels/kernel.ts';
import { TILE_KEYS } from '../kernels/tiling.ts';
import type { Variant } from '../kernels/variant.ts';
import { floatFields, tensorFields } from './fields.ts';
import type { Phase, Plan, PlanOptions } from './plan.ts';
import { Region } from './region.ts';
import { variantOf } from './variant-of.ts';

/** Packed keys and values of so many bytes lie in the scratch at one time, if that is enough for one head. */
const WAVE_BYTES = 2 ** 26;

/** How a problem's forward run is computed. */
export function forwardPlan(problem: AttentionProblem, options: PlanOptions): Plan {
  const variant = variantOf(problem, 'forward', options);
  const { tiling, scratch, parts } = kernelOf(variant);
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, dtype } = problem;
  const bytes = dtype === 'float32' ? 4 : 8;
  const rows = (heads / kvHeads) * queryLength;
  const blocks = Math.ceil(rows / tiling.blockRows);
  const tiles = Math.ceil(keyLength / TILE_KEYS);
  const paddedKeys = Math.ceil(keyLength / tiling.columns) * tiling.columns;
  const slot = new Region();
  const packedKeySlot = (slot.take(paddedKeys * headDim * bytes), slot.bytes);
  const packedValueSlot = parts.sumsValues ? Math.ceil((paddedKeys * tiling.valueColumns * bytes) / 64) * 64 : 0;
  const badSlot = tiles * TILE_KEYS;
  const slots = Math.max(
    1,
    Math.min(batch * kvHeads, Math.floor(WAVE_BYTES / (packedKeySlot + packedValueSlot + badSlot + 1))),
  );
  const shared = new Region();
  const packedKey = shared.take(slots * packedKeySlot);
  const packedValue = shared.take(slots * packedValueSlot);
  const bad = shared.take(slots * badSlot);
  return {
    algorithm: 'flash attention: online softmax over packed tiles',
    tile: { query: tiling.blockRows, key: TILE_KEYS },
    module: moduleOf(variant),
    phases: wavesOf(batch * kvHeads, slots, { pack: tiles, attend: blocks }),
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
        packedKeySlot,
        packedValue: addresses.scratch + packedValue,
        packedValueSlot,
        bad: addresses.scratch + bad,
        badSlot,
      };
      writeFrame(memory, at, integers, floatFields(problem));
    },
  };
}

export function moduleOf(variant: Variant): Plan['module'] {
  return { key: JSON.stringify(variant), generate: () => generate(variant) };
}

/** Phases for `slots` heads at a time; the numbers are tasks a head. */
function wavesOf(heads: number, slots: number, tasksOf: Readonly<Record<string, number>>): Phase[] {
  const phases: Phase[] = [];
  for (let head = 0; head < heads; head += slots) {
    const count = Math.min(slots, heads - head);
    for (const [name, tasks] of Object.entries(tasksOf)) {
      if (tasks > 0) phases.push({ export: name, firstTask: head * tasks, tasks: count * tasks });
    }
  }
  return phases;
}
