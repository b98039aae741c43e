import { type Geometry, MAXIMUM_VECTORS, weightVectors } from '../../plan/geometry.ts';
import type { Variant } from '../../plan/variant.ts';
import { vectorsOf } from '../../shader/tensors.ts';
import { type Columns, columnsOf, passesOf } from '../../shader/tile.ts';

export interface AttendOptions {
  readonly variant: Variant;
  readonly geometry: Geometry;
  /** True if sums of values are wanted: soft attention's output. */
  readonly sumsValues: boolean;
  /** True if keys are split among workgroups, whose records `mergeShader` joins. */
  readonly splits: boolean;
  /** True if the rows of several heads share blocks. */
  readonly isPacked: boolean;
}

/** The options of a shader, and what its parts derive of them. */
export interface Attending extends AttendOptions {
  readonly isHard: boolean;
  /** Workgroups that share the columns of values, the vectors of one, and those of a row. */
  readonly passes: number;
  readonly vectors: number;
  readonly valueVectors: number;
  /** Columns of values among the invocations of a row. */
  readonly columns: Columns;
  /** Workgroup memory of weights, and where staged values begin. Weights lie where keys were: behind the products of a tile is a barrier. */
  readonly weightsIn: 'stage' | 'weights';
  readonly valuesAt: number;
}

export function attendingOf(options: AttendOptions): Attending {
  const { variant, geometry, sumsValues } = options;
  const { valueDim, selection } = variant;
  const { passes, vectors } = sumsValues ? passesOf(valueDim, MAXIMUM_VECTORS) : { passes: 1, vectors: 1 };
  return {
    ...options,
    isHard: selection !== 'softmax',
    passes,
    vectors,
    valueVectors: vectorsOf(valueDim),
    columns: columnsOf(geometry, vectors),
    weightsIn: geometry.staged ? 'stage' : 'weights',
    valuesAt: geometry.staged ? weightVectors(geometry) : 0,
  };
}
