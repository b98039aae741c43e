import type { AttentionBackend } from '@heed/core';
import type { NamedTensors } from '@heed/layers';

/** A model that is trained twice, with attention and without, and a claim about the two. */
export interface Example {
  readonly name: string;
  /** In words, as the report prints it. */
  readonly claim: string;
  run(backend: AttentionBackend, seed: number): Promise<Outcome>;
}

export interface Outcome {
  /** On held-out data: what was measured, and what the claim asks of it. All are shares from 0 to 1. */
  readonly measures: readonly Measure[];
  /** Of the model with attention, of the one without. */
  readonly parameters: readonly [number, number];
  readonly steps: number;
  /** A heatmap, SVG. */
  readonly picture: string;
}

export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Whether a measure is what the claim asks. */
export function holds({ value, atLeast = -Infinity, atMost = Infinity }: Measure): boolean {
  return value >= atLeast && value <= atMost;
}

export function countOf(parameters: NamedTensors): number {
  return Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
}
