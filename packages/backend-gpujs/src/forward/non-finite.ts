import type { AttentionInputs, AttentionProblem } from '@heed/core';
import { rowStrides } from '@heed/core/backend';
import type { Engine } from '../platform/engine.ts';
import type { DeviceTensor } from '../memory/device-tensor.ts';
import { hasNaNOrInfinity } from '../memory/finite.ts';
import type { FloatInputs } from '../memory/float-inputs.ts';
import { type HostView, hostView } from './host-view.ts';
import type { RowResults } from './row-results.ts';

/** Elements of results that are not finite, by index. */
export interface NonFiniteElements {
  readonly output: Map<number, number>;
  readonly weights: Map<number, number>;
}

/**
 * Makes rows that attend to NaN or infinity non-finite, and no others: SPEC.md, clause `nonfinite`. Programs never see
 * such numbers (`memory/finite.ts`). The host finds the rows here, only if there is such a number: a comparison for
 * each row and key, without arithmetic. Corrects statistics and choices in place.
 */
export async function markNonFiniteResults(
  engine: Engine,
  problem: AttentionProblem,
  inputs: AttentionInputs<DeviceTensor>,
  floats: FloatInputs,
  rows: RowResults,
): Promise<NonFiniteElements | null> {
  if (!mayBeNonFinite(floats)) return null;
  const view = await hostView(engine, problem, inputs, floats);
  const nonFinite: NonFiniteElements = { output: new Map(), weights: new Map() };
  const { batch, heads, queryLength } = problem;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queryLength; i++) markRow(problem, view, rows, nonFinite, [b, h, i]);
    }
  }
  return nonFinite;
}

/** Bound of terms that are far from making a score +∞. */
const FAR = 2 ** 100;
/** Positions are int32. */
const FARTHEST_KEY = 2 ** 32;

/**
 * Returns whether anything is non-finite, or a sum of terms may be +∞. A −∞ in a mask, a bias or a sink excludes, so it
 * counts as finite.
 */
export function mayBeNonFinite({ query, key, value, alibiSlopes, mask, bias, sinks }: FloatInputs): boolean {
  const numbers = [query, key, value, alibiSlopes];
  return (
    [mask, bias].some((array) => array && array.exceptions.maximum > FAR) ||
    (alibiSlopes !== undefined && alibiSlopes.exceptions.minimum < -FAR / FARTHEST_KEY) ||
    numbers.some((array) => array?.exceptions.minusInfinity) ||
    [...numbers, mask, bias, sinks].some((array) => array && hasNaNOrInfinity(array.exceptions))
  );
}

type Place = readonly [b: number, h: number, i: number];

function markRow(
  problem: AttentionProblem,
  view: HostView,
  rows: RowResults,
  nonFinite: NonFiniteElements,
  [b, h, i]: Place,
): void {
  const { heads, queryLength, keyLength, valueDim, layout } = problem;
  const row = (b * heads + h) * queryLength + i;
  const strides = rowStrides(layout, heads, queryLength, valueDim);
  const output = b * strides.batch + h * strides.head + i * strides.row;
  const attended = view.attended(b, h, i);
  const faulty = attended.filter((j) => !view.hasFiniteScore(b, h, i, j));
  const sink = view.sink(h);

  if (faulty.length > 0 || Number.isNaN(sink) || sink === Infinity) {
    rows.rowMax[row] = faulty.length > 0 ? NaN : sink;
    rows.rowSum[row] = NaN;
    // Hard attention takes a NaN for the maximum: it chooses the first.
    const weighted = problem.selection === 'argmax' ? faulty.slice(0, 1) : attended;
    if (problem.selection === 'argmax') {
      nonFinite.weights.set(row * keyLength + rows.choice[row]!, 0);
      rows.choice[row] = faulty[0]!;
    }
    for (const j of weighted) nonFinite.weights.set(row * keyLength + j, NaN);
    for (let d = 0; d < valueDim && attended.length > 0; d++) nonFinite.output.set(output + d, NaN);
    return;
  }

  const read = problem.selection === 'argmax' ? attended.filter((j) => j === rows.choice[row]) : attended;
  for (const j of read) {
    if (view.hasFiniteValue(b, h, j)) continue;
    for (let d = 0; d < valueDim; d++) {
      const value = view.value(b, h, j, d);
      // +∞ and −∞ together are NaN, as they would be in the sum.
      if (!Number.isFinite(value))
        nonFinite.output.set(output + d, (nonFinite.output.get(output + d) ?? 0) + value);
    }
  }
}
