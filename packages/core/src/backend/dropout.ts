import type { AttentionInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';
import { philox4x32 } from './gumbel.ts';

/** Dropout of one run: SPEC.md, clause `dropout`, bit-exact. */
export interface Dropout {
  /** 1 / (1 − p): kept weights are multiplied by it. */
  readonly factor: number;
  /** ⌊p · 2³²⌋: a weight is kept if its word is at least as large. */
  readonly threshold: number;
  /** Key of Philox4x32-10, of the seed. */
  readonly key: readonly [low: number, high: number];
  /** Returns the factor of the weight of key j of query row i, head h, batch b: 0 where it is dropped. */
  kept(b: number, h: number, i: number, j: number): number;
}

/** Sets the noise apart from that of selection `sample`, whose seeds have 53 bits. */
const KEY_BIT = 0x80000000;

/** Dropout of a run; null where the problem has none. Places count from the origin of the inputs. */
export function dropoutOf(
  { dropout }: Pick<AttentionProblem, 'dropout'>,
  { seed = 0, origin }: Pick<AttentionInputs, 'seed' | 'origin'>,
): Dropout | null {
  if (dropout === null) return null;
  const from = origin ?? { batch: 0, head: 0, query: 0, key: 0 };
  const factor = 1 / (1 - dropout);
  const threshold = Math.floor(dropout * 2 ** 32);
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) + KEY_BIT] as const;
  // The block that was drawn last: four neighboring keys share it.
  let drawn: readonly [number, number, number, number] = [-1, -1, -1, -1];
  let words: readonly number[] = [];
  return {
    factor,
    threshold,
    key,
    kept(b, h, i, j) {
      const column = j + from.key;
      const block = [Math.floor(column / 4), i + from.query, h + from.head, b + from.batch] as const;
      if (block.some((part, n) => part !== drawn[n])) words = philox4x32(block, key);
      drawn = block;
      return words[column % 4]! >= threshold ? factor : 0;
    },
  };
}
