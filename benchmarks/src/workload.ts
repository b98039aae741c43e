import type { AttentionRequest, Tensor } from '@heed/core';
import { philox4x32, zeros } from '@heed/core/backend';

/**
 * One shape of attention to measure, as plain JSON data. Its name follows from its fields, so that rows of different
 * runs can be compared by name. Made with {@link workload}.
 */
export interface Workload {
  /** Such as `dense/512`, `causal/2048/h1`, `window-256/8192/h1`. */
  readonly name: string;
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly causal: boolean;
  /** Local attention: keys from p − left to p + right, both inclusive; a null side is unbounded. */
  readonly window: { readonly left: number | null; readonly right: number | null } | null;
  /** Where the queries stand among the keys; without a meaning when both have one length. */
  readonly alignment: 'topLeft' | 'bottomRight';
  /** Of the numbers in the inputs. */
  readonly seed: number;
}

/** Fields of a {@link Workload}; what is left out has a default. */
export interface WorkloadOptions {
  /** Of queries and keys alike, unless `queryLength` says otherwise. */
  readonly length: number;
  /** Default `length`. */
  readonly queryLength?: number;
  /** Default 1. */
  readonly batch?: number;
  /** Default 12. */
  readonly heads?: number;
  /** Default `heads`. */
  readonly kvHeads?: number;
  /** Default 64. */
  readonly headDim?: number;
  /** Default `headDim`. */
  readonly valueDim?: number;
  /** Default false. */
  readonly causal?: boolean;
  /** Default null: every key. */
  readonly window?: Workload['window'];
  /** Default `bottomRight`. */
  readonly alignment?: Workload['alignment'];
  /** Default 1. */
  readonly seed?: number;
}

/** The request of a workload: float32, layout `bhld`, plain tensors. */
export type WorkloadRequest = AttentionRequest & {
  readonly query: Tensor<'float32'>;
  readonly key: Tensor<'float32'>;
  readonly value: Tensor<'float32'>;
};

/**
 * A workload from its length and whatever differs from the defaults.
 *
 * @example
 * ```ts
 * import { workload } from '@heed/benchmarks';
 *
 * console.log(workload({ length: 2048, heads: 1, causal: true }).name); // causal/2048/h1
 * ```
 */
export function workload(options: WorkloadOptions): Workload {
  const { length, heads = 12, headDim = 64 } = options;
  const fields = {
    batch: options.batch ?? 1,
    heads,
    kvHeads: options.kvHeads ?? heads,
    queryLength: options.queryLength ?? length,
    keyLength: length,
    headDim,
    valueDim: options.valueDim ?? headDim,
    causal: options.causal ?? false,
    window: options.window ?? null,
    alignment: options.alignment ?? 'bottomRight',
    seed: options.seed ?? 1,
  };
  return { name: nameOf(fields), ...fields };
}

/** Kind and length, then every field that is not the default. */
function nameOf(fields: Omit<Workload, 'name'>): string {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, seed } = fields;
  const square = queryLength === keyLength;
  return [
    kindOf(fields),
    square ? keyLength : `${queryLength}x${keyLength}`,
    ...(batch === 1 ? [] : [`b${batch}`]),
    ...(heads === 12 ? [] : [`h${heads}`]),
    ...(kvHeads === heads ? [] : [`kv${kvHeads}`]),
    ...(headDim === 64 ? [] : [`d${headDim}`]),
    ...(valueDim === headDim ? [] : [`dv${valueDim}`]),
    ...(square || fields.alignment === 'bottomRight' ? [] : ['top-left']),
    ...(seed === 1 ? [] : [`seed${seed}`]),
  ].join('/');
}

function kindOf({ causal, window }: Omit<Workload, 'name'>): string {
  if (window === null) return causal ? 'causal' : 'dense';
  const { left, right } = window;
  const sides = (left === right ? [left] : [left, right]).map((side) => side ?? 'all');
  return `${causal ? 'causal-' : ''}window-${sides.join('-')}`;
}

/** The keys that row i may attend to: from `first` up to and without `end`. */
export function attendedKeys(of: Workload, i: number): { first: number; end: number } {
  const position = i + (of.alignment === 'bottomRight' ? of.keyLength - of.queryLength : 0);
  const left = of.window?.left ?? null;
  const right = of.window?.right ?? null;
  const first = left === null ? 0 : Math.max(0, position - left);
  let end = of.keyLength;
  if (right !== null) end = Math.min(end, position + right + 1);
  if (of.causal) end = Math.min(end, position + 1);
  return { first, end: Math.max(first, end) };
}

/**
 * The floating-point operations that the workload cannot do without: 2 · (D + Dv) for each pair of a query and a key
 * that it may attend to (4 · pairs · D when D = Dv). What a contestant computes for excluded pairs earns it nothing.
 */
export function usefulFlops(of: Workload): number {
  let pairs = 0;
  for (let i = 0; i < of.queryLength; i++) {
    const { first, end } = attendedKeys(of, i);
    pairs += end - first;
  }
  return 2 * pairs * of.batch * of.heads * (of.headDim + of.valueDim);
}

/** The workload as a request. Its numbers are standard normal and depend on nothing but the seed and their place. */
export function requestOf(of: Workload): WorkloadRequest {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, causal, window, alignment } = of;
  return {
    query: normal([batch, heads, queryLength, headDim], of.seed, 0),
    key: normal([batch, kvHeads, keyLength, headDim], of.seed, 1),
    value: normal([batch, kvHeads, keyLength, valueDim], of.seed, 2),
    ...(causal && { causal }),
    ...(window && { window }),
    ...((causal || window) && { alignment }),
  };
}

/** Box–Muller on the words of Philox: no state, so that each tensor stands on its own. */
function normal(shape: readonly number[], seed: number, stream: number): Tensor<'float32'> {
  const result = zeros('float32', shape);
  for (let at = 0; at < result.data.length; at += 4) {
    const words = philox4x32([at / 4, stream, 0, 0], [seed, 0]);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log(toUnit(words[pair]!)));
      const angle = 2 * Math.PI * toUnit(words[pair + 1]!);
      result.data[at + pair] = radius * Math.cos(angle);
      result.data[at + pair + 1] = radius * Math.sin(angle);
    }
  }
  return result;
}

/** A random word as a number between 0 and 1, neither of them. */
function toUnit(word: number): number {
  return (word + 0.5) / 2 ** 32;
}
