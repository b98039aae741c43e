import type { Capabilities, Feature } from '@heed/core';
import fc from 'fast-check';
import { type Lengths, type Sketch, lengthsOf } from '../sketch.ts';

/**
 * Lengths around typical sizes of tiles, register blocks and vectors, and all the small ones. Each list begins small,
 * since values shrink to its beginning.
 */
const sequenceLength = fc.oneof(
  { withCrossShrink: true },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 140 }) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2, 5, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 193) },
);
const depth = fc.oneof(
  { withCrossShrink: true },
  fc.integer({ min: 1, max: 20 }),
  fc.constantFrom(1, 4, 24, 31, 32, 33, 48, 63, 64, 65, 80, 96, 128),
);
const windowSide = fc.option(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(1000)));

const MOST_BATCHES = 3;
const perBatch = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: MOST_BATCHES, maxLength: MOST_BATCHES });

/** A part of a length that is drawn beside it, in 256ths; 256 is all of it. */
const share = fc.oneof(fc.integer({ min: 0, max: 256 }), fc.constantFrom(0, 256));

/** Axes of a mask or bias, and the number of leading ones that it omits. */
const axes = fc.record({
  batch: fc.boolean(),
  heads: fc.boolean(),
  queries: fc.boolean(),
  keys: fc.boolean(),
  left: fc.integer({ min: 0, max: 3 }),
});
type Axes = typeof axes extends fc.Arbitrary<infer T> ? T : never;

/** A sketch and the seed of its numbers. */
export interface FuzzInput {
  readonly sketch: Sketch;
  readonly seed: number;
}

/**
 * Random problems over everything that a backend declares. Everything is drawn side by side, lengths and what depends
 * on them, so that a failure shrinks to few options and small lengths alike.
 */
export function arbitraryInput(capabilities: Capabilities): fc.Arbitrary<FuzzInput> {
  const sketch = fc
    .record({ lengths: arbitraryLengths(capabilities), options: arbitraryOptions(capabilities) })
    .map(({ lengths, options }) =>
      coherent({ ...lengths, ...fitted(options, lengthsOf(lengths), lengths.pages !== undefined) }),
    );
  return fc.record({ sketch, seed: fc.nat() });
}

/**
 * Limit of B · Hq · Lq · Lk · (D + Dv). Most problems are cut to half a millisecond, so that many are tried;
 * one in 32 stays as it was drawn.
 */
const work = fc.oneof(
  { withCrossShrink: true },
  { weight: 31, arbitrary: fc.constant(2 ** 17) },
  { weight: 1, arbitrary: fc.constant(Infinity) },
);

type Drawn = Pick<Lengths, 'batch' | 'kvHeads' | 'headDim' | 'queryLength'> & {
  readonly group?: number | undefined;
  readonly keyLength?: number | undefined;
  readonly valueDim?: number | undefined;
};

/** Reduces the least significant sizes first: batch, heads, depth; lengths stay. */
function cut(drawn: Drawn, limit: number): Drawn {
  const { batch, kvHeads, group = 1, queryLength, keyLength = queryLength, headDim, valueDim } = drawn;
  const size = batch * kvHeads * group * queryLength * keyLength * (headDim + (valueDim ?? headDim));
  if (size <= limit) return drawn;
  if (batch > 1) return cut({ ...drawn, batch: 1 }, limit);
  if (kvHeads > 1) return cut({ ...drawn, kvHeads: 1 }, limit);
  if (group > 1) return cut({ ...drawn, group: 1 }, limit);
  const depthOf = (length: number): number => Math.min(length, 8);
  return { ...drawn, headDim: depthOf(headDim), valueDim: valueDim && depthOf(valueDim) };
}

function arbitraryLengths({ features }: Capabilities): fc.Arbitrary<Sketch> {
  const when = <T>(feature: Feature, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    features.includes(feature) ? fc.option(arbitrary, { nil: undefined }) : fc.constant(undefined);
  return fc
    .record({
      batch: fc.integer({ min: 1, max: MOST_BATCHES }),
      kvHeads: fc.integer({ min: 1, max: 3 }),
      group: when('gqa', fc.integer({ min: 1, max: 4 })),
      queryLength: sequenceLength,
      keyLength: fc.option(sequenceLength, { nil: undefined }),
      headDim: depth,
      valueDim: when('valueDim', depth),
      pages: when(
        'pages',
        fc.record({ size: fc.constantFrom(1, 2, 5, 16, 17), holes: fc.boolean(), common: fc.boolean() }),
      ),
      work,
    })
    .map(({ work: limit, ...drawn }) => {
      const { group = 1, ...lengths } = cut(drawn, limit);
      return defined({ ...lengths, heads: lengths.kvHeads * group });
    });
}

type Options = ReturnType<typeof arbitraryOptions> extends fc.Arbitrary<infer T> ? T : never;

function arbitraryOptions({ features, dtypes }: Capabilities) {
  const has = (feature: Feature): boolean => features.includes(feature);
  const only = <T>(values: readonly (T | false)[]): T[] =>
    values.filter((value): value is T => value !== false);
  /** `make` only where it is declared: an arbitrary of undeclared choices has none to choose from. */
  const optional = <T>(declared: boolean, make: () => fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    declared ? fc.option(make(), { nil: undefined, freq: 3 }) : fc.constant(undefined);
  const maskKinds = only([has('mask.boolean') && 'boolean', has('mask.float') && 'float'] as const);
  const selections = only([
    'softmax',
    has('selection.argmax') && 'argmax',
    has('selection.sample') && 'sample',
  ] as const);
  const alignments = only([
    'topLeft',
    has('alignment.bottomRight') && 'bottomRight',
    has('alignment.offset') && 'offset',
  ] as const);

  const cacheTypes = only([
    has('cache.float16') && 'float16',
    has('cache.bfloat16') && 'bfloat16',
    has('cache.int8') && 'int8',
    has('cache.int4x2') && 'int4x2',
  ] as const);
  return fc.record({
    dtype: fc.constantFrom(...dtypes),
    cacheType: optional(cacheTypes.length > 0, () => fc.constantFrom(...cacheTypes)),
    shared: optional(has('cache.shared'), () => fc.constant(true)),
    wholeRows: fc.option(fc.constant(true), { nil: undefined }),
    rings: optional(has('ring') && has('lengths.key'), () => perBatch(fc.integer({ min: 0, max: 400 }))),
    valueStart: optional(has('valueFromKey'), () => share),
    origin: optional(has('origin'), () =>
      fc.record({ batch: fc.nat(9), head: fc.nat(9), query: fc.nat(200), key: fc.nat(200) }),
    ),
    dropout: optional(has('dropout'), () =>
      fc.record({ probability: fc.constantFrom(0.1, 0.5, 0.9, 1e-10), seed: fc.maxSafeNat() }),
    ),
    layout: optional(has('layout.blhd'), () => fc.constant('blhd' as const)),
    scale: fc.option(fc.constantFrom(1, 0.1, -0.5, 0), { nil: undefined, freq: 6 }),
    softcap: optional(has('softcap'), () => fc.constantFrom(0.5, 3, 30)),
    causal: optional(has('causal'), () => fc.constant(true)),
    window: optional(has('window'), () => fc.record({ left: windowSide, right: windowSide })),
    alignment: fc.constantFrom(...alignments),
    offsets: perBatch(fc.integer({ min: -30, max: 150 })),
    keyLengths: optional(has('lengths.key'), () => perBatch(share)),
    keyStarts: optional(has('lengths.keyStart'), () => perBatch(share)),
    queryLengths: optional(has('lengths.query'), () => perBatch(share)),
    mask: optional(maskKinds.length > 0, () =>
      fc.record({
        kind: fc.constantFrom(...maskKinds),
        axes,
        density: fc.constantFrom(1, 0.95, 0.6, 0.3, 0.02),
      }),
    ),
    bias: optional(has('bias'), () => fc.record({ axes, excluded: fc.constantFrom(0, 0.2) })),
    segments: optional(has('segments'), () => fc.constantFrom('packed' as const, 'scattered' as const)),
    alibi: optional(has('alibi'), () => fc.constant(true)),
    sinks: optional(has('sinks'), () => fc.constant(true)),
    spread: fc.constantFrom(1, 0.01, 8, 40),
    selection: fc.oneof(
      { weight: 3, arbitrary: fc.constant('softmax' as const) },
      fc.constantFrom(...selections),
    ),
    seed: fc.maxSafeNat(),
    gradient: optional(has('gradient') && has('statistics'), () => fc.constant(true)),
    extras: fc.subarray(
      only([
        has('weights') && 'weights',
        has('logSumExp') && 'logSumExp',
        has('statistics') && 'statistics',
      ] as const),
    ),
  });
}

/** Options made for the lengths that they go with. */
function fitted(
  options: Options,
  { batch, heads, queryLength, keyLength, headDim, valueDim }: Lengths,
  hasPages: boolean,
): Sketch {
  const { extras, offsets, alignment, mask, bias, queryLengths, ...others } = options;
  const { rings, valueStart, keyLengths, keyStarts, ...rest } = others;
  const shape = ({ left, ...has }: Axes): number[] =>
    [
      has.batch ? batch : 1,
      has.heads ? heads : 1,
      has.queries ? queryLength : 1,
      has.keys ? keyLength : 1,
    ].slice(left);
  const parts = (shares: readonly number[] | undefined, length: number): number[] | undefined =>
    shares?.slice(0, batch).map((part) => Math.round((part * length) / 256));
  return defined({
    ...rest,
    alignment: alignment === 'offset' ? { offset: offsets.slice(0, batch) } : alignment,
    ring: rings && !hasPages ? true : undefined,
    keyLengths: rings && !hasPages ? rings.slice(0, batch) : parts(keyLengths, keyLength),
    valueFromKey:
      valueStart !== undefined && valueDim <= headDim
        ? { start: Math.round((valueStart * (headDim - valueDim)) / 256), length: valueDim }
        : undefined,
    keyStarts: parts(keyStarts, keyLength),
    queryLengths: parts(queryLengths, queryLength),
    mask: mask && { kind: mask.kind, shape: shape(mask.axes), density: mask.density },
    bias: bias && { shape: shape(bias.axes), excluded: bias.excluded },
    outputs: ['output', ...extras],
  });
}

/** Takes out what does not go together: hard attention has no gradient, no sinks, no dropout, and a choice; soft no seed. */
function coherent({ cacheType, shared, wholeRows, gradient: wanted, ...drawn }: Sketch): Sketch {
  // Nor has float64 a cache of another type, an odd row pairs, a pool a batch that shares it, or any of them a gradient.
  const { headDim, valueDim = headDim } = lengthsOf(drawn);
  const isOdd = headDim % 2 === 1 || valueDim % 2 === 1;
  const hasCache = cacheType !== undefined && drawn.dtype !== 'float64' && !(cacheType === 'int4x2' && isOdd);
  const isQuantized = hasCache && (cacheType === 'int8' || cacheType === 'int4x2');
  const isFixed = drawn.pages ?? drawn.ring ?? drawn.valueFromKey;
  const sketch: Sketch = {
    ...drawn,
    ...(hasCache && { cacheType }),
    ...(isQuantized && wholeRows && { wholeRows }),
    ...(shared && !drawn.pages && { shared }),
    ...(wanted && !isQuantized && !isFixed && { gradient: wanted }),
  };
  const { sinks, gradient, seed, origin, dropout, ...rest } = sketch;
  if (sketch.selection === 'softmax') {
    return defined({ ...rest, sinks, gradient, dropout, origin: dropout && origin } as Sketch);
  }
  const hard = { ...rest, outputs: [...(rest.outputs ?? []), 'choice'] } as Sketch;
  return sketch.selection === 'sample' ? defined({ ...hard, seed, origin } as Sketch) : hard;
}

function defined(sketch: object): Sketch {
  return Object.fromEntries(Object.entries(sketch).filter(([, value]) => value !== undefined));
}
