import { attendPhase } from './attend.ts';
import { kernelOf } from './kernel.ts';
import { packPhase } from './packing.ts';
import type { Variant } from './variant.ts';

/** The module of a variant. */
export function generate(variant: Variant): Uint8Array<ArrayBuffer> {
  const kernel = kernelOf(variant);
  if (!variant.direct) packPhase(kernel);
  attendPhase(kernel);
  return kernel.module.build(variant.shared);
}
