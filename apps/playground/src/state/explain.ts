import { gumbelNoise } from '@heed/core/backend';
import type { Answer, Question } from '../engine/question.ts';

/** One key, as one query sees it. */
export interface Step {
  readonly key: number;
  readonly token: string;
  /** Query · key. */
  readonly dot: number;
  /** Score, scaled and divided by the temperature; null if the key is masked. */
  readonly score: number | null;
  /** Noise that sampling adds to the score; 0 without sampling. */
  readonly noise: number;
  /** exp(score − the largest score). */
  readonly exponential: number;
  readonly weight: number;
}

/** Steps from one query of one head to its output. */
export interface Explanation {
  readonly query: Float32Array;
  readonly steps: readonly Step[];
  readonly largest: number;
  readonly sum: number;
  readonly output: Float32Array;
  /** Largest difference of Σ weight · value, computed here, from the backend's output. */
  readonly difference: number;
}

/** The part of a `[H, L, …]` array that belongs to row i of a head. */
export function rowOf(
  data: Float32Array,
  length: number,
  width: number,
  head: number,
  i: number,
): Float32Array {
  const start = (head * length + i) * width;
  return data.subarray(start, start + width);
}

/** Computes scores and sums by the formula, in float64; weights and output are the backend's. */
export function explain(answer: Answer, question: Question, head: number, i: number): Explanation {
  const { tokens, headDim } = answer;
  const length = tokens.length;
  const query = rowOf(answer.query, length, headDim, head, i);
  const weights = rowOf(answer.weights, length, length, head, i);
  const output = rowOf(answer.output, length, headDim, head, i);
  const dots = tokens.map((_, j) => dotOf(query, rowOf(answer.key, length, headDim, head, j)));
  const scores = dots.map((dot, j) =>
    isVisible(question, i, j) ? (dot * answer.scale) / question.temperature : null,
  );
  const largest = scores.reduce<number>((most, score) => Math.max(most, score ?? -Infinity), -Infinity);
  const steps = tokens.map((token, j): Step => {
    const score = scores[j]!;
    const exponential = score === null ? 0 : Math.exp(score - largest);
    const noise = question.selection === 'sample' ? gumbelNoise(question.seed, 0, head, i, j) : 0;
    return { key: j, token, dot: dots[j]!, score, noise, exponential, weight: weights[j]! };
  });
  const difference = output.reduce((most, value, d) => {
    const own = tokens.reduce(
      (sum, _, j) => sum + weights[j]! * answer.value[(head * length + j) * headDim + d]!,
      0,
    );
    return Math.max(most, Math.abs(own - value));
  }, 0);
  const sum = steps.reduce((total, { exponential }) => total + exponential, 0);
  return { query, steps, largest, sum, output, difference };
}

function isVisible({ causal, window }: Question, i: number, j: number): boolean {
  if (causal && j > i) return false;
  return window === null || Math.abs(i - j) <= window;
}

function dotOf(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, d) => sum + value * b[d]!, 0);
}
