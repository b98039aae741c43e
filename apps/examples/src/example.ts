import type { AttentionBackend } from '@heed/core';
import type { NamedTensors } from '@heed/layers';

/** A model that is trained twice, with attention and without, and a claim about the two. */
export interface Example {
  readonly name: string;
  /** Text of the claim, as the report prints it. */
  readonly claim: string;
  run(backend: AttentionBackend, seed: number): Promise<Outcome>;
}

export interface Outcome {
  /** Measurements on held-out data, and what the claim requires of them. All are shares from 0 to 1. */
  readonly measures: readonly Measure[];
  /** Numbers of parameters of the model with attention, and of the one without. */
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

/** Returns whether a measure is what the claim requires. */
export function holds({ value, atLeast = -Infinity, atMost = Infinity }: Measure): boolean {
  return value >= atLeast && value <= atMost;
}

export function countOf(parameters: NamedTensors): number {
  return Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
}
