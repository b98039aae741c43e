import { attendPhase } from './attend.ts';
import { gradientPhase } from './gradient.ts';
import { clearPhase, reducePhase, reduceSharedPhase } from './gradient-sums.ts';
import { kernelOf } from './kernel.ts';
import { mergePhase } from './parts.ts';
import { packPhase } from './packing.ts';
import type { Variant } from './variant.ts';

/** The module of a variant. */
export function generate(variant: Variant): Uint8Array<ArrayBuffer> {
  const kernel = kernelOf(variant);
  if (!variant.direct) packPhase(kernel);
  if (variant.pass === 'gradient') {
    clearPhase(kernel);
    gradientPhase(kernel);
    reducePhase(kernel);
    reduceSharedPhase(kernel);
  } else {
    attendPhase(kernel);
    if (variant.split) mergePhase(kernel);
  }
  return kernel.module.build(variant.shared);
}
