import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { broadcastStrides, computeDType, visibleKeys } from '@heed/core/backend';
import type { Heap } from '../memory/heap.ts';
import { type FloatArray, tableOf } from '../memory/pack.ts';

/** The properties of a query row that the steps need. */
export interface RowPlace {
  batch: number;
  head: number;
  index: number;
  /** Position of the row among the keys: SPEC.md, clause `alignment`. */
  position: number;
}

/**
 * One step of a row's scores between softcap and softmax. In the scores, −∞ means excluded, and NaN that the key is
 * attended to and not finite; an exclusion has priority over a NaN, whichever comes first.
 */
export interface ScoreStep {
  /** Changes the scores of keys from … to − 1; that of key `from` is at `at`. */
  apply(heap: Heap, at: number, row: RowPlace, from: number, to: number): void;
  /** For steps that exclude: the first key from `from` on that remains, or `to`. */
  firstKey?(row: RowPlace, from: number, to: number): number;
  /** One past the last key before `to` that remains, or `from`. */
  endKey?(row: RowPlace, from: number, to: number): number;
}

/** The steps of a problem, in the order of SPEC.md, clause `order`. */
export function scoreSteps(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): ScoreStep[] {
  const steps: ScoreStep[] = [];
  const { mask, bias, ring, keyLength } = problem;
  /** For steps that read a tensor by the column of a key. */
  const columns = (step: ScoreStep): ScoreStep => (ring ? inRing(step, keyLength) : step);
  if (mask?.kind === 'boolean')
    steps.push(columns(booleanMask(inputs.mask!.data as Uint8Array, broadcastStrides(mask.shape))));
  if (problem.segments) steps.push(columns(segments(problem, inputs)));
  if (problem.pages !== null) steps.push(missingPages(problem, inputs));
  const limit = LIMITS[computeDType(problem.dtype)];
  if (bias) steps.push(columns(addition(inputs.bias!, broadcastStrides(bias.shape), limit)));
  if (problem.alibi) steps.push(alibi(inputs.alibiSlopes!.data as FloatArray, limit));
  if (mask?.kind === 'float')
    steps.push(columns(addition(inputs.mask!, broadcastStrides(mask.shape), limit)));
  return steps;
}

/** A step whose columns are the places of keys in a ring: its keys are cut where the ring begins anew. */
function inRing(step: ScoreStep, capacity: number): ScoreStep {
  /** Ends of the pieces of keys from … to − 1. */
  const pieces = (from: number, to: number): readonly (readonly [from: number, to: number])[] => {
    const result: [number, number][] = [];
    for (let j = from; j < to;) {
      const end = Math.min(to, j - (j % capacity) + capacity);
      result.push([j, end]);
      j = end;
    }
    return result;
  };
  return {
    apply(heap, at, row, from, to) {
      for (const [j, end] of pieces(from, to)) {
        const place = j % capacity;
        step.apply(heap, at + j - from, row, place, place + end - j);
      }
    },
    ...(step.firstKey && {
      firstKey(row, from, to) {
        for (const [j, end] of pieces(from, to)) {
          const place = j % capacity;
          const found = step.firstKey!(row, place, place + end - j);
          if (found < place + end - j) return j + found - place;
        }
        return to;
      },
      endKey(row, from, to) {
        for (const [j, end] of pieces(from, to).toReversed()) {
          const place = j % capacity;
          const found = step.endKey!(row, place, place + end - j);
          if (found > place) return j + found - place;
        }
        return from;
      },
    }),
  };
}

/** Minimum of the sums that the element type rounds to infinity. */
const LIMITS = { float32: 2 ** 128 - 2 ** 103, float64: Infinity } as const;

type Strides = readonly [number, number, number, number];

function rowStart(strides: Strides, row: RowPlace): number {
  return row.batch * strides[0] + row.head * strides[1] + row.index * strides[2];
}

function booleanMask(data: Uint8Array, strides: Strides): ScoreStep {
  const step = strides[3];
  return {
    apply(heap, at, row, from, to) {
      const end = (at + to - from) | 0;
      let s = rowStart(strides, row) + from * step;
      for (let p = at; p < end; p = (p + 1) | 0, s += step) {
        if (data[s] === 0) heap[p] = -Infinity;
      }
    },
    firstKey(row, from, to) {
      const start = rowStart(strides, row);
      let j = from;
      while (j < to && data[start + j * step] === 0) j++;
      return j;
    },
    endKey(row, from, to) {
      const start = rowStart(strides, row);
      let j = to;
      while (j > from && data[start + (j - 1) * step] === 0) j--;
      return j;
    },
  };
}

function segments(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): ScoreStep {
  const { queryLength, keyLength } = problem;
  const ofQuery = inputs.querySegments!.data;
  const ofKey = inputs.keySegments!.data;
  return {
    apply(heap, at, row, from, to) {
      const id = ofQuery[row.batch * queryLength + row.index];
      const start = row.batch * keyLength;
      for (let j = from; j < to; j++) {
        if (ofKey[start + j] !== id) heap[at + j - from] = -Infinity;
      }
    },
    firstKey(row, from, to) {
      const id = ofQuery[row.batch * queryLength + row.index];
      const start = row.batch * keyLength;
      let j = from;
      while (j < to && ofKey[start + j] !== id) j++;
      return j;
    },
    endKey(row, from, to) {
      const id = ofQuery[row.batch * queryLength + row.index];
      const start = row.batch * keyLength;
      let j = to;
      while (j > from && ofKey[start + j - 1] !== id) j--;
      return j;
    },
  };
}

/** Excludes keys whose page is −1. */
function missingPages(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): ScoreStep {
  const { exists } = visibleKeys(problem, inputs);
  return {
    apply(heap, at, { batch }, from, to) {
      for (let j = from; j < to; j++) {
        if (!exists(batch, j)) heap[at + j - from] = -Infinity;
      }
    },
    firstKey({ batch }, from, to) {
      let j = from;
      while (j < to && !exists(batch, j)) j++;
      return j;
    },
    endKey({ batch }, from, to) {
      let j = to;
      while (j > from && !exists(batch, j - 1)) j--;
      return j;
    },
  };
}

/** A bias or a float mask: added, unless it is −∞. */
function addition(term: Tensor, strides: Strides, limit: number): ScoreStep {
  const data = term.data;
  const table = tableOf(term.dtype);
  const step = strides[3];
  const read = (s: number): number => (table === null ? data[s] : table[data[s]]);
  return {
    apply(heap, at, row, from, to) {
      const end = (at + to - from) | 0;
      let s = rowStart(strides, row) + from * step;
      for (let p = at; p < end; p = (p + 1) | 0, s += step) {
        const before = heap[p];
        const added = read(s);
        const sum = before + added;
        // Nearly all are within the type. The others are exclusions or NaN; a sum below the type is an exclusion, too.
        heap[p] =
          Math.abs(sum) < limit
            ? sum
            : before === -Infinity || added === -Infinity || sum <= -limit
              ? -Infinity
              : NaN;
      }
    },
    firstKey(row, from, to) {
      const start = rowStart(strides, row);
      let j = from;
      while (j < to && read(start + j * step) === -Infinity) j++;
      return j;
    },
    endKey(row, from, to) {
      const start = rowStart(strides, row);
      let j = to;
      while (j > from && read(start + (j - 1) * step) === -Infinity) j--;
      return j;
    },
  };
}

function alibi(slopes: FloatArray, limit: number): ScoreStep {
  return {
    apply(heap, at, row, from, to) {
      // An infinite slope is not finite even where the distance is 0, and does not exclude.
      const slope = Number.isFinite(slopes[row.head]) ? slopes[row.head] : NaN;
      const end = (at + to - from) | 0;
      let distance = row.position - from;
      for (let p = at; p < end; p = (p + 1) | 0, distance--) {
        const before = heap[p];
        const sum = before - slope * Math.abs(distance);
        heap[p] = Math.abs(sum) < limit ? sum : before === -Infinity || sum <= -limit ? -Infinity : NaN;
      }
    },
  };
}
