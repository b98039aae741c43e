import { attendPhase } from '../forward/attend.ts';
import { gradientPhase } from '../gradient/gradient.ts';
import { clearPhase, reducePhase, reduceSharedPhase, roundBiasPhase } from '../gradient/sums.ts';
import { contextOf } from './context.ts';
import { mergePhase } from '../forward/splits.ts';
import { packPhase } from './pack.ts';
import type { Variant } from '../plan/variant.ts';

/** The module of a variant. */
export function generate(variant: Variant): Uint8Array<ArrayBuffer> {
  const context = contextOf(variant);
  if (!variant.direct) packPhase(context);
  if (variant.pass === 'gradient') {
    clearPhase(context);
    gradientPhase(context);
    reducePhase(context);
    reduceSharedPhase(context);
    if (variant.bias && context.storage.half) roundBiasPhase(context);
  } else {
    attendPhase(context);
    if (variant.split) mergePhase(context);
  }
  return context.module.build(variant.shared ? 'shared' : 'unshared');
}
