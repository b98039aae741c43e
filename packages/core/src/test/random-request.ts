import * as fc from 'fast-check';
import { type AttentionRequest, type Tensor, tensor } from '../index.ts';
import { philox4x32, zeros } from '../backend/index.ts';

/** Features that a request of soft attention can have beyond queries, keys and values. */
export const SOFT_FEATURES = [
  'scale',
  'softcap',
  'causal',
  'window',
  'mask.boolean',
  'mask.float',
  'bias',
  'lengths.key',
  'lengths.keyStart',
  'lengths.query',
  'segments',
  'alibi',
  'sinks',
  'dropout',
] as const;

export type SoftFeature = (typeof SOFT_FEATURES)[number];

/** A request in a form that fast-check can shrink: sizes, features, and a seed for all numbers. */
export interface Recipe {
  readonly seed: number;
  readonly batch: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly layout: 'bhld' | 'blhd';
  readonly alignment: 'topLeft' | 'bottomRight' | 'offset';
  readonly features: readonly SoftFeature[];
}

const size = (least: number, most: number): fc.Arbitrary<number> => fc.integer({ min: least, max: most });

/** An arbitrary small request with the given features, and maybe others. */
export function recipes(always: readonly SoftFeature[]): fc.Arbitrary<Recipe> {
  return fc.record({
    seed: size(0, 0x7fffffff),
    batch: size(1, 2),
    kvHeads: size(1, 2),
    group: size(1, 2),
    queryLength: size(1, 5),
    keyLength: size(1, 5),
    headDim: size(1, 3),
    valueDim: size(1, 3),
    layout: fc.constantFrom('bhld', 'blhd'),
    alignment: fc.constantFrom('topLeft', 'bottomRight', 'offset'),
    features: fc
      .subarray([...SOFT_FEATURES])
      .map((more) => SOFT_FEATURES.filter((feature) => always.includes(feature) || more.includes(feature)))
      // A request has one mask.
      .filter((features) => !(features.includes('mask.boolean') && features.includes('mask.float'))),
  });
}

/** Numbers in [−1, 1), determined by a seed. */
export function numbersFrom(seed: number): () => number {
  let count = 0;
  return () => philox4x32([count++, 0, 0, 0], [seed, 0])[0] / 2 ** 31 - 1;
}

/** The float64 request of a recipe. */
export function requestOf(recipe: Recipe): AttentionRequest<Tensor> {
  const { batch, kvHeads, group, queryLength, keyLength, headDim, valueDim, layout } = recipe;
  const heads = kvHeads * group;
  const next = numbersFrom(recipe.seed);
  const below = (limit: number): number => Math.floor(((next() + 1) / 2) * limit);
  const has = (feature: SoftFeature): boolean => recipe.features.includes(feature);

  const floats = (shape: readonly number[], number = next): Tensor<'float64'> => {
    const result = zeros('float64', shape);
    return { ...result, data: result.data.map(number) };
  };
  const integers = (shape: readonly number[], limit: number): Tensor<'int32'> => {
    const result = zeros('int32', shape);
    return { ...result, data: result.data.map(() => below(limit)) };
  };
  const inLayout = (count: number, length: number, depth: number): Tensor<'float64'> =>
    floats(
      layout === 'bhld' ? [batch, count, length, depth] : [batch, length, count, depth],
      () => 2 * next(),
    );
  const broadcast = (): number[] =>
    [batch, heads, queryLength, keyLength].map((length) => (below(3) === 0 ? 1 : length));
  const orExcluded = (): number => (below(4) === 0 ? -Infinity : next());
  const perBatch = (limit: number): number[] => Array.from({ length: batch }, () => below(limit));

  return {
    query: inLayout(heads, queryLength, headDim),
    key: inLayout(kvHeads, keyLength, headDim),
    value: inLayout(kvHeads, keyLength, valueDim),
    layout,
    alignment:
      recipe.alignment === 'offset' ? { offset: perBatch(keyLength).map((p) => p - 1) } : recipe.alignment,
    ...(has('scale') && { scale: next() }),
    ...(has('softcap') && { softcap: 1.5 + next() }),
    ...(has('causal') && { causal: true }),
    ...(has('window') && { window: { left: below(3), right: below(2) === 0 ? null : below(3) } }),
    ...(has('mask.boolean') && {
      mask: tensor(mostlyTrue(queryLength * keyLength, below), [queryLength, keyLength]),
    }),
    ...(has('mask.float') && { mask: floats(broadcast(), orExcluded) }),
    ...(has('bias') && { bias: floats(broadcast(), orExcluded) }),
    ...(has('lengths.key') && { keyLengths: perBatch(keyLength + 1) }),
    ...(has('lengths.keyStart') && { keyStarts: perBatch(keyLength + 1) }),
    ...(has('lengths.query') && { queryLengths: perBatch(queryLength + 1) }),
    ...(has('segments') && {
      querySegments: integers([batch, queryLength], 2),
      keySegments: integers([batch, keyLength], 2),
    }),
    ...(has('alibi') && { alibiSlopes: floats([heads]) }),
    ...(has('sinks') && { sinks: floats([heads]) }),
    ...(has('dropout') && { dropout: { probability: (1 + next()) / 2.5, seed: recipe.seed } }),
  };
}

function mostlyTrue(count: number, below: (limit: number) => number): Uint8Array {
  return Uint8Array.from({ length: count }, () => (below(4) === 0 ? 0 : 1));
}
