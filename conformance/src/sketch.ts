import {
  type BroadcastShape,
  type FloatDType,
  type Layout,
  type OutputName,
  type Tensor,
  cast,
  tensor,
} from '@heed/core';
import { computeDType, exchangeHeadsAndLength, zeros } from '@heed/core/backend';
import { type CaseRequest, asking } from './case-request.ts';
import { CONSTANT, type Random, randomFrom } from './random.ts';
import { type CacheSketch, type StoredCache, storedCache } from './stored-cache.ts';

/** Options of a request that are not tensors; they are passed on unchanged. */
type Options = Pick<
  CaseRequest,
  | 'layout'
  | 'scale'
  | 'softcap'
  | 'causal'
  | 'window'
  | 'alignment'
  | 'keyLengths'
  | 'keyStarts'
  | 'queryLengths'
  | 'selection'
  | 'seed'
  | 'origin'
  | 'dropout'
  | 'ring'
  | 'valueFromKey'
  | 'gradient'
>;

/**
 * A request in a few words: its options, its lengths, and which tensors it has. {@link requestOf} makes the tensors.
 * Plain JSON, so that a property that fails can print it and shrink it.
 */
export interface Sketch extends Options, CacheSketch {
  /** Names of results. Default: the output alone. */
  readonly outputs?: readonly OutputName[];
  /** Default 2. */
  readonly batch?: number;
  /** Query heads. Default 2. */
  readonly heads?: number;
  /** Default: as many as `heads`. */
  readonly kvHeads?: number;
  /** Default 7. */
  readonly queryLength?: number;
  /** Default: as `queryLength`. */
  readonly keyLength?: number;
  /** Default 8. */
  readonly headDim?: number;
  /** Default: as `headDim`. */
  readonly valueDim?: number;
  /** Default `float32`. */
  readonly dtype?: FloatDType;
  /** `density`: the share that may attend, default 0.6; the first key of some row is always left. */
  readonly mask?: {
    readonly kind: 'boolean' | 'float';
    readonly shape: readonly number[];
    readonly density?: number;
  };
  /** The shape of a bias; the share of −∞ in it, default 0. */
  readonly bias?: { readonly shape: readonly number[]; readonly excluded?: number };
  /** Packed: documents one after another. Scattered: ids in no order. */
  readonly segments?: 'packed' | 'scattered';
  readonly alibi?: boolean;
  readonly sinks?: boolean;
  /** Size of the scores: standard deviation of those of head 0, default 1. Odd heads have six times as much. */
  readonly spread?: number;
}

/** Lengths of a sketch, defaults filled in. */
export interface Lengths {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly headDim: number;
  readonly valueDim: number;
}

export function lengthsOf(sketch: Sketch): Lengths {
  const { batch = 2, heads = 2, queryLength = 7, headDim = 8 } = sketch;
  const { kvHeads = heads, valueDim = sketch.valueFromKey?.length ?? headDim } = sketch;
  const size = sketch.pages?.size ?? 1;
  const keyLength = Math.ceil((sketch.keyLength ?? queryLength) / size) * size;
  return { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim };
}

/** The request that a sketch describes, in fresh tensors. The same seed gives the same numbers. */
export function requestOf(sketch: Sketch, seed: string | number): CaseRequest {
  return requestFrom(sketch, randomFrom(seed));
}

/** The same with any numbers: what is compiled for it depends on shapes and options alone. */
export function shapesOf(sketch: Sketch): CaseRequest {
  return requestFrom(sketch, CONSTANT);
}

function requestFrom(sketch: Sketch, random: Random): CaseRequest {
  const { dtype = 'float32', layout = 'bhld' } = sketch;
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = lengthsOf(sketch);
  const float = floatsOf(dtype);
  const scores = floatsOf(computeDType(dtype));
  const query = inLayout(
    layout,
    cast(normals(random, [batch, heads, queryLength, headDim], sketch.spread ?? 1, 6), dtype),
  );
  const kvBatch = sketch.shared ? 1 : batch;
  const keys = normals(random, [kvBatch, kvHeads, keyLength, headDim]);
  const values = normals(random, [kvBatch, kvHeads, keyLength, valueDim]);
  const stored = storedCache(sketch, keys, sketch.valueFromKey ? null : values, random);
  const cache = Object.fromEntries(
    Object.entries(stored).map(([name, part]) => [
      name,
      name === 'blockTable' ? part : inLayout(layout, part),
    ]),
  ) as unknown as StoredCache;
  const optional = {
    ...(sketch.mask && { mask: maskOf(sketch.mask, float, random) }),
    ...(sketch.bias && { bias: biasOf(sketch.bias, float, random) }),
    ...(sketch.segments && segmentsOf(sketch.segments, [batch, queryLength, keyLength], random)),
    ...(sketch.alibi && { alibiSlopes: scores([heads], (h) => 2 ** ((-8 * (h + 1)) / heads)) }),
    ...(sketch.sinks && { sinks: scores([heads], () => 2 * random.normal()) }),
  };
  return {
    ...optionsOf(sketch),
    ...(sketch.outputs && asking(sketch.outputs)),
    query,
    ...cache,
    ...optional,
  } as CaseRequest;
}

/** A gradient of the output for a request: random numbers in the output's shape. */
export function dOutputOf(sketch: Sketch, seed: string | number): Tensor {
  const random = randomFrom(`${seed}/dOutput`);
  const { batch, heads, queryLength, valueDim } = lengthsOf(sketch);
  const { dtype = 'float32', layout = 'bhld' } = sketch;
  return inLayout(layout, cast(normals(random, [batch, heads, queryLength, valueDim]), dtype));
}

const OPTIONS = [
  'layout',
  'scale',
  'softcap',
  'causal',
  'window',
  'alignment',
  'keyLengths',
  'keyStarts',
  'queryLengths',
  'selection',
  'seed',
  'origin',
  'dropout',
  'ring',
  'valueFromKey',
  'gradient',
] as const satisfies readonly (keyof Options)[];

function optionsOf(sketch: Sketch): Options {
  return Object.fromEntries(
    OPTIONS.filter((name) => sketch[name] !== undefined).map((name) => [name, sketch[name]]),
  );
}

type FloatMaker = (shape: readonly number[], number: (index: number) => number) => Tensor;

function floatsOf(dtype: FloatDType): FloatMaker {
  return (shape, number) => {
    const result = zeros('float64', shape);
    for (let n = 0; n < result.data.length; n++) result.data[n] = number(n);
    return cast(result, dtype);
  };
}

/** Numbers `[B, H, L, D]`, in float64; those of odd heads are `odd` times as large. */
function normals(random: Random, shape: BroadcastShape, spread = 1, odd = 1): Tensor<'float64'> {
  const [, heads, length, depth] = shape;
  const numbers = zeros('float64', shape);
  const { data } = numbers;
  for (let n = 0; n < data.length;) {
    const factor = (Math.floor(n / (length * depth)) % heads) % 2 === 0 ? 1 : odd;
    for (const end = n + length * depth; n < end; n++) data[n] = random.normal() * spread * factor;
  }
  return numbers;
}

/** The same numbers in either layout. */
function inLayout(layout: Layout, rows: Tensor): Tensor {
  return layout === 'bhld' ? rows : exchangeHeadsAndLength(rows);
}

function maskOf(
  { kind, shape, density = 0.6 }: NonNullable<Sketch['mask']>,
  float: FloatMaker,
  random: Random,
): Tensor {
  const allowed = allowance(shape, density, random);
  if (kind === 'float') return float(shape, (n) => (allowed[n] ? random.normal() : -Infinity));
  return tensor(Uint8Array.from(allowed, Number), shape);
}

function biasOf(
  { shape, excluded = 0 }: NonNullable<Sketch['bias']>,
  float: FloatMaker,
  random: Random,
): Tensor {
  const allowed = allowance(shape, 1 - excluded, random);
  return float(shape, (n) => (allowed[n] ? 2 * random.normal() : -Infinity));
}

/** Entries of a mask that allow. Row r always allows key r (mod Lk), so that a mask alone leaves no row empty. */
function allowance(shape: readonly number[], density: number, random: Random): boolean[] {
  const keys = shape.at(-1) ?? 1;
  const size = shape.reduce((product, length) => product * length, 1);
  return Array.from({ length: size }, (_, n) => {
    const chance = random.uniform() < density;
    return chance || (keys > 1 && n % keys === Math.floor(n / keys) % keys);
  });
}

function segmentsOf(
  kind: 'packed' | 'scattered',
  [batch, queryLength, keyLength]: readonly [number, number, number],
  random: Random,
): Pick<CaseRequest, 'querySegments' | 'keySegments'> {
  // Ids are any int32: these are neither positions nor counted from 0.
  const ids = [-3, 40, 7];
  const start = random.below(3);
  const id = (n: number, length: number): number =>
    ids[kind === 'packed' ? (start + Math.floor((3 * n) / length)) % 3 : random.below(3)]!;
  const segments = (length: number): Tensor =>
    tensor(
      Int32Array.from({ length: batch * length }, (_, n) => id(n % length, length)),
      [batch, length],
    );
  return { querySegments: segments(queryLength), keySegments: segments(keyLength) };
}
