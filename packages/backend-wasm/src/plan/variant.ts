import type {
  AttentionProblem,
  CacheType,
  ComputeDType,
  FloatDType,
  OutputName,
  Selection,
} from '@heed/core';

/** Properties that code depends on; everything else is in the frame. Plain data; its JSON is the module's key. */
export interface Variant {
  readonly pass: 'forward' | 'gradient';
  readonly shared: boolean;
  readonly relaxed: boolean;
  readonly wide: boolean;
  /** Type of scores and sums. */
  readonly dtype: ComputeDType;
  /** Type of query, bias, float mask, output, weights, and of their gradients. */
  readonly storage: FloatDType;
  /** Type of key and value. */
  readonly cache: CacheType;
  /** Numbers that share a scale, if they are quantized. */
  readonly groups: AttentionProblem['groups'];
  /** Keys of a page, if they lie in pages. */
  readonly pages: number | null;
  /** True if a row of keys begins anew at its end, where it holds the last keys before a length. */
  readonly ring: boolean;
  /** Numbers of a quantized key before its value, where the value does not begin or end with a group; otherwise 0. */
  readonly valueStart: number;
  readonly headDim: number;
  readonly valueDim: number;
  /** Few rows: keys and values are read where they are, not packed. */
  readonly direct: boolean;
  /** The same of a single row for each key/value head. */
  readonly one: boolean;
  /** The keys are cut into splits that are computed apart and merged. */
  readonly split: boolean;
  /** True if a row's keys have a beginning or an end of their own: causal, window, lengths. */
  readonly ranged: boolean;
  /** Source of the offset of the queries, if anything depends on it. */
  readonly alignment: AttentionProblem['alignment'];
  readonly keyLengths: boolean;
  readonly keyStarts: boolean;
  readonly queryLengths: boolean;
  readonly mask: 'boolean' | 'float' | null;
  /** True if each key has an entry of its own in the mask. */
  readonly maskPerKey: boolean;
  readonly bias: boolean;
  readonly biasPerKey: boolean;
  /** The same of queries; it matters to the gradient alone. */
  readonly biasPerQuery: boolean;
  /** Several elements of the batch read the same keys; it matters to the gradient alone. */
  readonly sharedKeys: boolean;
  readonly segments: boolean;
  readonly alibi: boolean;
  readonly softcap: boolean;
  readonly sinks: boolean;
  readonly selection: Selection;
  readonly dropout: boolean;
  readonly outputs: readonly OutputName[];
}

/** Tasks of a variant's code. */
export interface Needs {
  /** True if there are steps on scores between product and softmax. */
  readonly steps: boolean;
  readonly sumsValues: boolean;
  readonly softmax: boolean;
  readonly wants: (output: OutputName) => boolean;
}

export function needsOf(variant: Variant): Needs {
  const { mask, bias, segments, alibi, softcap, selection } = variant;
  const wants = (output: OutputName): boolean => variant.outputs.includes(output);
  const soft = selection === 'softmax';
  return {
    steps: mask !== null || bias || segments || alibi || softcap,
    sumsValues: soft && wants('output'),
    softmax: soft || wants('logSumExp') || wants('statistics'),
    wants,
  };
}
