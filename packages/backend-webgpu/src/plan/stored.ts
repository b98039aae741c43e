import type { AttentionProblem, CacheType, HalfDType } from '@heed/core';

/** Types of query, output, masks and biases on this backend; sums are float32 in all of them. */
export type ProblemType = 'float32' | HalfDType;
/** Element types in which a shader reads rows. */
export type StoredType = Exclude<CacheType, 'float64'>;

/** Rows of a tensor as they are stored. */
export interface Stored {
  readonly type: StoredType;
  /** The numbers of a row that are read, and how many are before them. */
  readonly depth: number;
  readonly first: number;
  /** True if addresses count vectors of four numbers, not numbers: all rows begin at one. */
  readonly aligned: boolean;
  /** Numbers that share a scale; null if there are no scales. */
  readonly group: number | null;
}

/** The rows of a problem's tensors, by their names. */
export type StoredRows = Readonly<Record<'query' | 'key' | 'value' | 'output', Stored>>;

export function storedRows(
  problem: AttentionProblem,
  outputType: ProblemType = problem.dtype as ProblemType,
): StoredRows {
  const { headDim, valueDim, groups, valueFromKey } = problem;
  const [type, cacheType] = [problem.dtype as ProblemType, problem.cacheType as StoredType];
  const rows = (depth: number): Stored => ({
    type,
    depth,
    first: 0,
    aligned: depth % 4 === 0,
    group: null,
  });
  const query = rows(headDim);
  const output = { ...rows(valueDim), type: outputType };
  const key: Stored = { ...query, type: cacheType, group: groups?.key ?? null };
  if (valueFromKey === null) {
    return { query, key, output, value: { ...output, type: cacheType, group: groups?.value ?? null } };
  }
  // Both are read from one tensor.
  const aligned = headDim % 4 === 0 && valueFromKey.start % 4 === 0 && valueDim % 4 === 0;
  const value = { ...key, depth: valueDim, first: valueFromKey.start, aligned };
  return { query, key: { ...key, aligned }, value, output };
}

/** Numbers that addresses of the rows count. */
export function unitOf({ aligned }: Stored): number {
  return aligned ? 4 : 1;
}

/** Bytes of a number: half a byte in `int4x2`. */
export function bytesOfNumber(type: StoredType): number {
  return { float32: 4, float16: 2, bfloat16: 2, int8: 1, int4x2: 0.5 }[type];
}
