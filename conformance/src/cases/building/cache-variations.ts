import type { Sketch } from '../../sketch.ts';
import { VARIATIONS } from './variations.ts';

/** One variation for each way in which keys and values are read. */
const FORWARD = [
  'plain',
  'more-keys',
  'one-query',
  'one-key',
  'no-keys',
  'no-queries',
  'peaked',
  'layout-blhd',
  'value-size',
  'gqa',
  'gqa-one-key-head',
  'boolean-mask',
  'float-mask',
  'bias-with-exclusions',
  'causal-bottom-right',
  'causal-offsets',
  'window',
  'key-lengths',
  'key-starts',
  'query-lengths',
  'segments-scattered',
  'alibi',
  'softcap',
  'sinks-and-empty-rows',
  'across-tiles',
] as const;
const GRADIENT = ['plain', 'layout-blhd', 'gqa', 'bias', 'key-lengths', 'sinks', 'across-tiles'] as const;
export const ALL_OUTPUTS = ['output', 'weights', 'logSumExp', 'statistics'] as const;

/** The variations, named, with more in each. */
export function variations(prefix: string, more: Sketch): Record<string, Sketch> {
  const all = FORWARD.map((name) => [
    `${prefix}/all/${name}`,
    { ...VARIATIONS[name]!, ...more, outputs: ALL_OUTPUTS },
  ]);
  const hasGradient = more.pages === undefined && more.cacheType !== 'int8' && more.cacheType !== 'int4x2';
  const gradients = (hasGradient ? GRADIENT : []).map((name) => [
    `${prefix}/gradient/${name}`,
    { ...VARIATIONS[name]!, ...more, gradient: true },
  ]);
  return Object.fromEntries([...all, ...gradients]) as Record<string, Sketch>;
}
