import type { AttentionProblem } from './problem.ts';

/**
 * Features that a problem can use beyond the required clauses. A backend declares each feature or refuses the problems
 * that use it. The part before the dot is the clause of SPEC.md.
 */
export const FEATURES = [
  'layout.blhd',
  'valueDim',
  'gqa',
  'cache.float16',
  'cache.bfloat16',
  'cache.int8',
  'cache.int4x2',
  'cache.shared',
  'pages',
  'ring',
  'valueFromKey',
  'mask.boolean',
  'mask.float',
  'bias',
  'alignment.bottomRight',
  'alignment.offset',
  'causal',
  'window',
  'lengths.key',
  'lengths.keyStart',
  'lengths.query',
  'segments',
  'alibi',
  'softcap',
  'sinks',
  'weights',
  'logSumExp',
  'statistics',
  'selection.argmax',
  'selection.sample',
  'origin',
  'dropout',
  'gradient',
] as const;

/** Part of a problem that a backend need not support. */
export type Feature = (typeof FEATURES)[number];

/** The features of {@link FEATURES} for caches, and for parts of a larger problem: an engine may have none of them. */
export const CACHE_FEATURES: readonly Feature[] = [
  'cache.float16',
  'cache.bfloat16',
  'cache.int8',
  'cache.int4x2',
  'cache.shared',
  'pages',
  'ring',
  'valueFromKey',
  'origin',
];

/** Guarantees about every result, which are not part of a problem: a backend declares those that it keeps. */
export const GUARANTEES = ['padding', 'nonfinite', 'repeat', 'batch'] as const;

/** Promise about every result, with a clause in SPEC.md. */
export type Guarantee = (typeof GUARANTEES)[number];

/**
 * Operations besides attention that a backend may offer: a closed list. The part before a dot is the clause of SPEC.md, and what
 * is behind it an optional part of that clause.
 */
export const OPERATIONS = [
  'linear',
  'linear.residual',
  'linear.gate',
  'linear.argument',
  'norm',
  'rotary',
  'embedding',
  'elementDropout',
] as const;

/** Operation besides attention, or an optional part of one. */
export type Operation = (typeof OPERATIONS)[number];

const uses: Record<Feature, (problem: AttentionProblem) => boolean> = {
  'layout.blhd': (p) => p.layout === 'blhd',
  valueDim: (p) => p.valueDim !== p.headDim,
  gqa: (p) => p.heads !== p.kvHeads,
  'cache.float16': (p) => p.cacheType === 'float16' && p.dtype !== 'float16',
  'cache.bfloat16': (p) => p.cacheType === 'bfloat16' && p.dtype !== 'bfloat16',
  'cache.int8': (p) => p.cacheType === 'int8',
  'cache.int4x2': (p) => p.cacheType === 'int4x2',
  'cache.shared': (p) => p.kvBatch !== p.batch,
  pages: (p) => p.pages !== null,
  ring: (p) => p.ring,
  valueFromKey: (p) => p.valueFromKey !== null,
  'mask.boolean': (p) => p.mask?.kind === 'boolean',
  'mask.float': (p) => p.mask?.kind === 'float',
  bias: (p) => p.bias !== null,
  'alignment.bottomRight': (p) => p.alignment === 'bottomRight',
  'alignment.offset': (p) => p.alignment === 'offset',
  causal: (p) => p.causal,
  window: (p) => p.window !== null,
  'lengths.key': (p) => p.lengths.key,
  'lengths.keyStart': (p) => p.lengths.keyStart,
  'lengths.query': (p) => p.lengths.query,
  segments: (p) => p.segments,
  alibi: (p) => p.alibi,
  softcap: (p) => p.softcap !== null,
  sinks: (p) => p.sinks,
  weights: (p) => p.outputs.includes('weights'),
  logSumExp: (p) => p.outputs.includes('logSumExp'),
  statistics: (p) => p.outputs.includes('statistics'),
  'selection.argmax': (p) => p.selection === 'argmax',
  'selection.sample': (p) => p.selection === 'sample',
  origin: (p) => p.origin,
  dropout: (p) => p.dropout !== null,
  gradient: (p) => p.gradient,
};

/** The features that a problem uses, in the order of {@link FEATURES}. */
export function featuresOf(problem: AttentionProblem): Feature[] {
  return FEATURES.filter((feature) => uses[feature](problem));
}
