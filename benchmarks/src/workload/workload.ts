import { type OptionTable, checkOptions, flag, integer, oneOf, required } from '@heed/core/backend';

/**
 * One shape of attention to measure, as plain JSON data. Its name follows from its fields, so that rows of different
 * runs can be compared by name. Made with {@link workload}.
 */
export interface Workload {
  /** Name such as `dense/512`, `causal/2048/h1`, `window-256/8192/h1`, `decode/4096/h14/kv2`. */
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
  /** Alignment of the queries to the keys; meaningless if both have the same length. */
  readonly alignment: 'topLeft' | 'bottomRight';
  /** A boolean mask `[Lq, Lk]` for all heads: the seed excludes a pair in four. */
  readonly mask: boolean;
  /** Forward and backward: the gradients of query, key and value are computed as well. */
  readonly gradient: boolean;
  /** Numbers drawn from a normal distribution, or a layer of a trained sentence model, all-MiniLM-L6-v2. */
  readonly source: 'normal' | 'minilm-layer-0' | 'minilm-layer-5';
  /** Seed of the numbers in the inputs. */
  readonly seed: number;
}

/** Fields of a {@link Workload}; what is left out has a default. */
export interface WorkloadOptions {
  /** Number of keys, and of queries unless `queryLength` differs. */
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
  /** Default false. */
  readonly mask?: boolean;
  /** Default false. */
  readonly gradient?: boolean;
  /** Default 1. */
  readonly seed?: number;
}

function isWindow(value: unknown): boolean {
  const { left, right } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [left, right].every((side) => side === null || integer(0).accepts(side));
}

const OPTIONS: OptionTable<WorkloadOptions> = {
  length: required(integer(0)),
  queryLength: integer(0),
  batch: integer(1),
  heads: integer(1),
  kvHeads: integer(1),
  headDim: integer(1),
  valueDim: integer(1),
  causal: flag,
  window: {
    expected: 'null or { left, right }, each null or an integer ≥ 0',
    accepts: (value) => value === null || isWindow(value),
  },
  alignment: oneOf('topLeft', 'bottomRight'),
  mask: flag,
  gradient: flag,
  seed: integer(0),
};

/**
 * A workload from its length and whatever differs from the defaults.
 *
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { workload } from '@heed/benchmarks';
 *
 * console.log(workload({ length: 2048, heads: 1, causal: true }).name); // causal/2048/h1
 * ```
 */
export function workload(options: WorkloadOptions): Workload {
  checkOptions('workload()', options, OPTIONS);
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
    mask: options.mask ?? false,
    gradient: options.gradient ?? false,
    source: 'normal',
    seed: options.seed ?? 1,
  } as const;
  return { name: nameOf(fields), ...fields };
}

/** A layer of all-MiniLM-L6-v2 on a passage of 116 tokens: 12 heads of size 32. */
export function minilmWorkload(layer: 0 | 5): Workload {
  const source = `minilm-layer-${layer}` as const;
  return { ...workload({ length: 116, headDim: 32 }), name: source, source };
}

/** Kind and length, then every field that is not the default. */
function nameOf(fields: Omit<Workload, 'name'>): string {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, seed } = fields;
  const short = queryLength === keyLength || isDecoding(fields);
  return [
    kindOf(fields),
    short ? keyLength : `${queryLength}x${keyLength}`,
    ...(batch === 1 ? [] : [`b${batch}`]),
    ...(heads === 12 ? [] : [`h${heads}`]),
    ...(kvHeads === heads ? [] : [`kv${kvHeads}`]),
    ...(headDim === 64 ? [] : [`d${headDim}`]),
    ...(valueDim === headDim ? [] : [`dv${valueDim}`]),
    ...(short || fields.alignment === 'bottomRight' ? [] : ['top-left']),
    ...(seed === 1 ? [] : [`seed${seed}`]),
  ].join('/');
}

function isDecoding({ queryLength, causal, window, alignment }: Omit<Workload, 'name'>): boolean {
  return queryLength === 1 && causal && window === null && alignment === 'bottomRight';
}

function kindOf(fields: Omit<Workload, 'name'>): string {
  const { causal, window, mask, gradient } = fields;
  const sides =
    window === null ? [] : window.left === window.right ? [window.left] : [window.left, window.right];
  const parts = [
    ...(gradient ? ['gradient'] : []),
    ...(isDecoding(fields) ? ['decode'] : causal ? ['causal'] : []),
    ...(window === null ? [] : ['window', ...sides.map((side) => side ?? 'all')]),
    ...(mask ? ['mask'] : []),
  ];
  return parts.length === 0 ? 'dense' : parts.join('-');
}

/** The keys that row i may attend to, apart from a mask: `first` inclusive to `end` exclusive. */
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
