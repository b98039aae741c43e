import type { AttentionProblem } from '@heed/core';
import type { Engine } from '../platform/engine.ts';
import type { Operands } from './operands.ts';
import type { RowResults } from './row-results.ts';

/** A run in progress. */
export interface Run {
  readonly engine: Engine;
  readonly problem: AttentionProblem;
  readonly operands: Operands;
  readonly rows: RowResults;
  /** Arrays on the device, complete when all tiles are; null before the first tile. */
  output: unknown;
  weights: unknown;
}
