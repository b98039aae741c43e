import type { AttentionInputs, AttentionProblem, BroadcastShape, Tensor } from '@heed/core';
import { partOf } from './simple-cache.ts';
import type { Place, Steps } from './steps.ts';

export type Inputs = AttentionInputs<Tensor>;

/** One query row: the keys it attends to, their scores, and its softmax. */
export interface Row {
  readonly keys: readonly number[];
  readonly scores: readonly number[];
  readonly saturation: readonly number[];
  readonly weights: readonly number[];
  /** Factors of the weights by dropout; 1 without. */
  readonly kept: readonly number[];
  readonly sinkWeight: number;
  readonly max: number;
  readonly sum: number;
}

/** Starts of rows. `h` is a query head. */
interface Places {
  query(place: Place): number;
  output(place: Place): number;
  key(b: number, h: number, j: number): number;
  value(b: number, h: number, j: number): number;
}

export function placesOf(steps: Steps, problem: AttentionProblem): Places {
  const { layout, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = problem;
  const start = (at: Place, ...sizes: [number, number, number]): number => steps.rowStart(layout, at, sizes);
  return {
    query: ([b, h, i]: Place): number => start([b, h, i], heads, queryLength, headDim),
    output: ([b, h, i]: Place): number => start([b, h, i], heads, queryLength, valueDim),
    key: (b: number, h: number, j: number): number =>
      start([steps.kvBatch(b, problem), steps.kvHead(h, problem), j], kvHeads, keyLength, headDim),
    value: (b: number, h: number, j: number): number =>
      start([steps.kvBatch(b, problem), steps.kvHead(h, problem), j], kvHeads, keyLength, valueDim),
  };
}

export function rowOf(steps: Steps, problem: AttentionProblem, inputs: Inputs, place: Place): Row {
  const [b, h] = place;
  const position = place[2] + offsetOf(steps, problem, inputs, b);
  const scored = attendedKeys(steps, problem, inputs, place, position)
    .map((j) => ({ j, ...scoreOf(steps, problem, inputs, place, position, j) }))
    .filter(({ score }) => score !== -Infinity);
  const keys = scored.map(({ j }) => j);
  const scores = scored.map(({ score }) => score);
  const sink = problem.sinks ? inputs.sinks!.data[h]! : -Infinity;
  const max = steps.maximum(scores, steps.sinkInMaximum(sink));
  const exponentials = scores.map((score) => steps.exponential(score, max));
  const sinkTerm = steps.sinkTerm(sink, max);
  const kept = keys.map((j) => keptOf(steps, problem, inputs, place, j));
  const sum = exponentials.reduce((a, e, n) => a + e * steps.keptInSum(kept[n]!), 0) + sinkTerm;
  return {
    keys,
    scores,
    saturation: scored.map(({ saturation }) => saturation),
    weights: exponentials.map((exponential) =>
      steps.keptWeight(steps.normalize(exponential, sum), problem.dtype),
    ),
    kept,
    sinkWeight: sum === 0 ? 0 : sinkTerm / sum,
    max,
    sum,
  };
}

/** Factor of the weight of a key by dropout. */
export function keptOf(
  steps: Steps,
  { dropout }: AttentionProblem,
  { seed, origin }: Inputs,
  [b, h, i]: Place,
  key: number,
  inGradient = false,
): number {
  if (dropout === null) return 1;
  const from = steps.origin(origin);
  const there = [b + from.batch, h + from.head, i + from.query] as const;
  const other = inGradient ? steps.keptInGradient(dropout, seed!, there, key + from.key) : null;
  return other ?? steps.kept(dropout, seed!, there, key + from.key);
}

function offsetOf(steps: Steps, problem: AttentionProblem, inputs: Inputs, b: number): number {
  const { alignment, keyLength, queryLength } = problem;
  if (alignment === 'offset') return steps.offset(inputs.offsets!.data, b);
  if (alignment !== 'bottomRight') return steps.topLeft(problem);
  return steps.bottomRight(
    inputs.keyLengths?.data[b] ?? keyLength,
    inputs.queryLengths?.data[b] ?? queryLength,
    problem,
  );
}

function attendedKeys(
  steps: Steps,
  problem: AttentionProblem,
  inputs: Inputs,
  [b, h, i]: Place,
  position: number,
): number[] {
  const { causal, window, queryLength, keyLength, mask, bias } = problem;
  const { ring } = problem;
  const count = ring ? inputs.keyLengths!.data[b]! : steps.keyEnd(keyLength);
  const oldest = ring ? steps.oldestInRing(count, keyLength) : 0;
  const keys = Array.from({ length: Math.max(0, count - oldest) }, (_, n) => oldest + n);
  if (!steps.withinQueries(i, inputs.queryLengths?.data[b] ?? queryLength)) return [];
  return keys.filter((j) => {
    const c = columnOf(steps, problem, j);
    const at = [b, h, i, c] as const;
    if (problem.pages && !steps.pageExists(partOf(steps, problem, inputs, b, j))) return false;
    if (!steps.withinKeys(j, inputs.keyLengths?.data[b] ?? keyLength)) return false;
    if (!steps.pastStart(j, inputs.keyStarts?.data[b] ?? 0)) return false;
    if (causal && !steps.causal(j, position)) return false;
    if (typeof window?.left === 'number' && !steps.windowLeft(j, position, window.left, i)) return false;
    if (typeof window?.right === 'number' && !steps.windowRight(j, position, window.right, i)) return false;
    if (problem.segments) {
      const query = inputs.querySegments!.data[b * queryLength + i]!;
      if (!steps.sameSegment(query, inputs.keySegments!.data[b * keyLength + c]!, i, j)) return false;
    }
    const allows = mask?.kind === 'boolean' ? steps.maskAllows : steps.termAllows;
    if (mask && !allows(read(steps, mask.shape, inputs.mask, at))) return false;
    return !bias || steps.termAllows(read(steps, bias.shape, inputs.bias, at));
  });
}

function scoreOf(
  steps: Steps,
  problem: AttentionProblem,
  inputs: Inputs,
  place: Place,
  position: number,
  key: number,
): { score: number; saturation: number } {
  const [b, h, i] = place;
  const places = placesOf(steps, problem);
  const q = places.query(place);
  const column = columnOf(steps, problem, key);
  const k = places.key(b, h, column);
  let product = 0;
  for (let d = 0; d < steps.depthOfDot(problem); d++)
    product += inputs.query.data[q + d]! * inputs.key.data[k + d]!;
  const { softcap, mask, bias } = problem;
  const scale = steps.scale(problem);
  const terms = {
    product,
    bias: bias ? read(steps, bias.shape, inputs.bias, [b, h, i, column]) : 0,
    mask: mask?.kind === 'float' ? read(steps, mask.shape, inputs.mask, [b, h, i, column]) : 0,
    slope: problem.alibi ? inputs.alibiSlopes!.data[h]! : 0,
  };
  const score = steps.score({ ...terms, scale, softcap, position, key });
  const rounded = steps.roundScore(score, problem.dtype);
  const isExcluded = rounded === -Infinity && Object.values(terms).every(Number.isFinite);
  return {
    // An attended infinity must show, though the softmax would hide it.
    score: isExcluded
      ? steps.overflowedScore()
      : Number.isFinite(rounded)
        ? steps.keptScore(score, problem.dtype)
        : NaN,
    saturation: softcap === null ? 0 : Math.tanh((scale * product) / softcap),
  };
}

/** Where key j lies, and its column in masks and weights. */
export function columnOf(steps: Steps, { ring, keyLength }: AttentionProblem, j: number): number {
  return ring ? steps.placeInRing(j, keyLength) : j;
}

function read(
  steps: Steps,
  shape: BroadcastShape,
  tensor: Tensor | undefined,
  at: readonly [number, number, number, number],
): number {
  return tensor!.data[steps.broadcast(shape, at)]!;
}
