import type { AttentionProblem } from '@heed/core';
import { ELEMENT_BYTES, computeDType } from '@heed/core/backend';
import type { Tiling } from './tiling.ts';
import type { Phase } from './plan.ts';

/** Number of bytes of packed keys and values in the scratch at one time, if that is enough for one head. */
const WAVE_BYTES = 2 ** 26;

/** Bytes that a key/value head takes in each area of the shared scratch. */
export interface HeadSizes {
  readonly packedKey: number;
  readonly packedValue: number;
  readonly nonFinite: number;
}

export function headSizes(problem: AttentionProblem, tiling: Tiling, valueColumns: number): HeadSizes {
  const bytes = elementBytes(problem);
  const keys = roundUp(problem.keyLength, tiling.columns);
  return {
    packedKey: roundUp(keys * problem.headDim * bytes, 64),
    packedValue: roundUp(keys * valueColumns * bytes, 64),
    nonFinite: roundUp(problem.keyLength, tiling.tileKeys),
  };
}

/** Number of key/value heads that are worked on at one time. */
export function slotsOf({ batch, kvHeads }: AttentionProblem, bytesPerHead: number): number {
  return Math.max(1, Math.min(batch * kvHeads, Math.floor(WAVE_BYTES / (bytesPerHead + 1))));
}

/** Returns phases of so many tasks per head, for `slots` heads at a time. */
export function wavesOf(
  { batch, kvHeads }: AttentionProblem,
  slots: number,
  tasksOf: Readonly<Record<string, number>>,
  last?: string,
): Phase[] {
  const phases: Phase[] = [];
  for (let wave = 0; wave * slots < batch * kvHeads; wave++) {
    const head = wave * slots;
    const count = Math.min(slots, batch * kvHeads - head);
    for (const [name, tasks] of Object.entries(tasksOf)) {
      if (tasks > 0) phases.push({ export: name, firstTask: head * tasks, tasks: count * tasks });
    }
    if (last !== undefined) phases.push({ export: last, firstTask: wave, tasks: 1 });
  }
  return phases;
}

/** Bytes of a number while it is computed with. */
export function elementBytes({ dtype }: AttentionProblem): number {
  return ELEMENT_BYTES[computeDType(dtype)];
}

export function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
