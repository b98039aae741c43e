import type { Variant } from '../plan/variant.ts';

/** Planes of the row results: each has a word for every row of [B, Hq, Lq]. */
export const ROW_PLANES = { rowMax: 0, rowSum: 1, logSumExp: 2, choice: 3, flags: 4 } as const;
export const ROW_PLANE_COUNT = 5;

/** Reason that a row is non-finite: its scores, or only a value. */
export const FLAGS = `
const SCORE_FLAG = 1u;
const VALUE_FLAG = 2u;`;

/**
 * The end of a row's softmax: adds the sink. `rowResults` must be bound, and `table` if there are sinks.
 *
 * A row that attends to nothing has the sum 0, since a key that it attends to gives its maximum a summand of 1.
 */
export function finishFunctions({ sinks }: Variant): string {
  return `
struct Finished {
  maximum: f32,
  sum: f32,
  // Factor for sums of values that were weighted relative to the old maximum.
  factor: f32,
  flags: u32,
}

fn finish(maximum: f32, sum: f32, flags: u32, head: u32) -> Finished {
  var finished = Finished(maximum, sum, 0.0, flags);
  let isEmpty = sum == 0.0;
  if (!isEmpty) { finished.factor = 1.0 / sum; }
${
  sinks
    ? `  let bits = table[params.sinksAt + head];
  if (isNonFinite(bits)) {
    if (bits != MINUS_INFINITY) { finished.flags |= SCORE_FLAG; }
    return finished;
  }
  let sink = bitcast<f32>(bits);
  if (isEmpty) {
    finished.maximum = sink;
    finished.sum = 1.0;
    return finished;
  }
  finished.maximum = max(maximum, sink);
  let share = exponential1(max(maximum - finished.maximum, -100.0));
  finished.sum = sum * share + exponential1(max(sink - finished.maximum, -100.0));
  finished.factor = share / finished.sum;`
    : ''
}
  return finished;
}

fn writeRow(row: Finished, choice: i32, base: i32, place: u32) {
  var maximum = MINUS_INFINITY;
  var sum = 0u;
  var logSumExp = MINUS_INFINITY;
  if (row.sum != 0.0) {
    maximum = bitcast<u32>(row.maximum);
    sum = bitcast<u32>(row.sum);
    logSumExp = bitcast<u32>(row.maximum + logarithm(row.sum));
  }
  if ((row.flags & SCORE_FLAG) != 0u) {
    maximum = NAN;
    sum = NAN;
    logSumExp = NAN;
  }
  rowResults[${ROW_PLANES.rowMax}u * params.rows + place] = maximum;
  rowResults[${ROW_PLANES.rowSum}u * params.rows + place] = sum;
  rowResults[${ROW_PLANES.logSumExp}u * params.rows + place] = logSumExp;
  rowResults[${ROW_PLANES.choice}u * params.rows + place] = bitcast<u32>(select(choice, choice + base, choice >= 0));
  rowResults[${ROW_PLANES.flags}u * params.rows + place] = row.flags;
}`;
}

/** The bits of a row's output: a flagged row that attends to anything is NaN. */
export const OUTPUT_BITS = `
fn outputBits(sums: vec4f, row: Finished, isEmpty: bool) -> vec4u {
  if (isEmpty) { return vec4u(0u); }
  return select(bitcast<vec4u>(sums * row.factor), vec4u(NAN), row.flags != 0u);
}`;

/** Vectors of the record of a row in one split before the sums: maximum, sum, flags, choice; the best score. */
export const RECORD_VECTORS = 2;

/** Vectors of the record of a row in one split and pass. */
export function recordVectors(vectors: number): number {
  return RECORD_VECTORS + vectors;
}
