import type { AttentionInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';

/**
 * The contiguous keys that causal, window and lengths leave to each query row. Masks and segments exclude more, key
 * by key. A row is empty where `end(b, i) <= first(b, i)`.
 */
export interface VisibleKeys {
  /** Position of query row 0 of batch b among the keys; 0 when the problem has no alignment. */
  offset(b: number): number;
  /** The first key that row i of batch b may attend to. */
  first(b: number, i: number): number;
  /** One past the last key that row i of batch b may attend to; at least 0. */
  end(b: number, i: number): number;
  /** Place of key j in its row of keys, and in masks, biases, segments and weights: j mod Lk in a ring, else j. */
  place(j: number): number;
  /** False for keys between `first` and `end` whose page is −1: no row of batch b may attend to them. */
  exists(b: number, j: number): boolean;
}

/** SPEC.md, clauses `alignment`, `causal`, `window`, `lengths`, `pages` and `ring`. */
export function visibleKeys(
  problem: AttentionProblem,
  inputs: Pick<AttentionInputs, 'offsets' | 'blockTable' | 'keyLengths' | 'keyStarts' | 'queryLengths'>,
): VisibleKeys {
  const { causal, window, alignment, pages } = problem;
  const table = pages && inputs.blockTable!.data;
  const columns = pages && problem.keyLength / pages.size;
  const keyLength = (b: number): number => inputs.keyLengths?.data[b] ?? problem.keyLength;
  const queryLength = (b: number): number => inputs.queryLengths?.data[b] ?? problem.queryLength;
  const left = window?.left ?? null;
  const right = window?.right ?? null;

  const offset = (b: number): number => {
    if (alignment === 'bottomRight') return keyLength(b) - queryLength(b);
    return alignment === 'offset' ? inputs.offsets!.data[b]! : 0;
  };

  return {
    offset,
    first: (b, i) => {
      const oldest = problem.ring ? keyLength(b) - problem.keyLength : 0;
      const start = Math.max(oldest, inputs.keyStarts?.data[b] ?? 0);
      return left === null ? start : Math.max(start, i + offset(b) - left);
    },
    end(b, i) {
      if (i >= queryLength(b)) return 0;
      const position = i + offset(b);
      let end = keyLength(b);
      if (causal) end = Math.min(end, position + 1);
      if (right !== null) end = Math.min(end, position + right + 1);
      return Math.max(0, end);
    },
    place: (j) => (problem.ring ? j % problem.keyLength : j),
    exists: (b, j) => table === null || table[b * columns! + Math.floor(j / pages!.size)] !== -1,
  };
}
