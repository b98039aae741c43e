import type { Capabilities, Feature } from '@heed/core';
import fc from 'fast-check';
import { type Sketch, lengthsOf } from '../sketch.ts';

/** Lengths around the sizes that tiles, register blocks and vectors like, and all the small ones. */
const sequenceLength = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 2, arbitrary: fc.integer({ min: 13, max: 140 }) },
  { weight: 1, arbitrary: fc.constantFrom(15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 193) },
);
const depth = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.constantFrom(24, 31, 32, 33, 48, 63, 64, 65, 80, 96, 128),
);
const windowSide = fc.option(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(1000)));

/** A sketch and the seed of its numbers. */
export interface FuzzInput {
  readonly sketch: Sketch;
  readonly seed: number;
}

/**
 * Random problems over everything that a backend declares: lengths first, then what depends on them. Smaller problems
 * with fewer options are simpler, so that is what a failure shrinks to.
 */
export function arbitraryInput(capabilities: Capabilities): fc.Arbitrary<FuzzInput> {
  const sketch = arbitraryLengths(capabilities).chain((lengths) =>
    arbitraryOptions(lengths, capabilities).map((options) => coherent({ ...lengths, ...options })),
  );
  return fc.record({ sketch, seed: fc.nat() });
}

function arbitraryLengths({ features }: Capabilities): fc.Arbitrary<Sketch> {
  const when = <T>(feature: Feature, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    features.includes(feature) ? fc.option(arbitrary, { nil: undefined }) : fc.constant(undefined);
  return fc
    .record({
      batch: fc.integer({ min: 1, max: 3 }),
      kvHeads: fc.integer({ min: 1, max: 3 }),
      group: when('gqa', fc.integer({ min: 1, max: 4 })),
      queryLength: sequenceLength,
      keyLength: fc.option(sequenceLength, { nil: undefined }),
      headDim: depth,
      valueDim: when('valueDim', depth),
    })
    .map(({ group = 1, ...lengths }) => defined({ ...lengths, heads: lengths.kvHeads * group }));
}

function arbitraryOptions(lengths: Sketch, { features, dtypes }: Capabilities): fc.Arbitrary<Sketch> {
  const { batch, heads, queryLength, keyLength } = lengthsOf(lengths);
  const has = (feature: Feature): boolean => features.includes(feature);
  const only = <T>(values: readonly (T | false)[]): T[] =>
    values.filter((value): value is T => value !== false);
  const optional = <T>(declared: boolean, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    declared ? fc.option(arbitrary, { nil: undefined, freq: 3 }) : fc.constant(undefined);
  const shape = fc
    .tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 3 }))
    .map(([b, h, q, k, drop]) =>
      [b ? batch : 1, h ? heads : 1, q ? queryLength : 1, k ? keyLength : 1].slice(drop),
    );
  const lengthsWithin = (most: number): fc.Arbitrary<number[]> =>
    fc.array(fc.integer({ min: 0, max: most }), { minLength: batch, maxLength: batch });
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

  return fc
    .record({
      dtype: fc.constantFrom(...dtypes),
      layout: optional(has('layout.blhd'), fc.constant('blhd' as const)),
      scale: fc.option(fc.constantFrom(1, 0.1, -0.5, 0), { nil: undefined, freq: 6 }),
      softcap: optional(has('softcap'), fc.constantFrom(0.5, 3, 30)),
      causal: optional(has('causal'), fc.constant(true)),
      window: optional(has('window'), fc.record({ left: windowSide, right: windowSide })),
      alignment: fc.constantFrom(...alignments),
      offsets: fc.array(fc.integer({ min: -30, max: 150 }), { minLength: batch, maxLength: batch }),
      keyLengths: optional(has('lengths.key'), lengthsWithin(keyLength)),
      queryLengths: optional(has('lengths.query'), lengthsWithin(queryLength)),
      mask: optional(
        maskKinds.length > 0,
        fc.record({
          kind: fc.constantFrom(...maskKinds),
          shape,
          density: fc.constantFrom(0.02, 0.3, 0.6, 0.95, 1),
        }),
      ),
      bias: optional(has('bias'), fc.record({ shape, excluded: fc.constantFrom(0, 0.2) })),
      segments: optional(has('segments'), fc.constantFrom('packed' as const, 'scattered' as const)),
      alibi: optional(has('alibi'), fc.constant(true)),
      sinks: optional(has('sinks'), fc.constant(true)),
      spread: fc.constantFrom(1, 0.01, 8, 40),
      selection: fc.oneof(
        { weight: 3, arbitrary: fc.constant('softmax' as const) },
        fc.constantFrom(...selections),
      ),
      seed: fc.maxSafeNat(),
      gradient: optional(has('gradient'), fc.constant(true)),
      extras: fc.subarray(
        only([
          has('weights') && 'weights',
          has('logSumExp') && 'logSumExp',
          has('statistics') && 'statistics',
        ] as const),
      ),
    })
    .map(({ extras, offsets, alignment, ...options }) =>
      defined({
        ...options,
        alignment: alignment === 'offset' ? { offset: offsets } : alignment,
        outputs: ['output', ...extras],
      } as Sketch),
    );
}

/** Takes out what does not go together: hard attention has no gradient, no sinks, and a choice; soft no seed. */
function coherent(sketch: Sketch): Sketch {
  const { sinks, gradient, seed, ...rest } = sketch;
  if (sketch.selection === 'softmax') return defined({ ...rest, sinks, gradient } as Sketch);
  const hard = { ...rest, outputs: [...(rest.outputs ?? []), 'choice'] } as Sketch;
  return sketch.selection === 'sample' ? defined({ ...hard, seed } as Sketch) : hard;
}

function defined(sketch: object): Sketch {
  return Object.fromEntries(Object.entries(sketch).filter(([, value]) => value !== undefined));
}
