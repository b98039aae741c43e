import type { AttentionProblem, Feature } from '@heed/core';
import { featuresOf } from '@heed/core/backend';

/** Features from the one that tells most about a case to the one that tells least. */
const TELLING: readonly Feature[] = [
  'gradient',
  'dropout',
  'selection.sample',
  'selection.argmax',
  'sinks',
  'alibi',
  'segments',
  'window',
  'lengths.query',
  'lengths.keyStart',
  'lengths.key',
  'alignment.offset',
  'alignment.bottomRight',
  'causal',
  'softcap',
  'bias',
  'mask.float',
  'mask.boolean',
  'gqa',
  'valueDim',
  'layout.blhd',
  'statistics',
  'logSumExp',
  'weights',
];

/** Default clause of a case from outside. */
export function clauseOfProblem(problem: AttentionProblem): string {
  const used = featuresOf(problem);
  const telling = TELLING.find((feature) => used.includes(feature));
  return telling?.split('.')[0] ?? 'order';
}
