import type { Variant } from './variant.ts';

/*
 * Few query rows read keys and values where they are. Elements are read as they are, by every row. Smaller numbers are
 * widened: in registers for one row, and once for several, to a panel.
 */

/** Ways in which query rows read keys and values: where they are, or from a panel of the open tile. */
export type Reading = 'elements' | 'half' | 'quantized' | 'panel';

/** Returns how few query rows read. */
export function readingOf({ variant }: { readonly variant: Variant }): Reading {
  const { one, groups, valueStart, headDim, valueDim, cache, dtype } = variant;
  if (cache === dtype) return 'elements';
  if (!one) return 'panel';
  if (groups === null) return headDim % 8 === 0 && valueDim % 8 === 0 ? 'half' : 'panel';
  const whole = groups.key % 8 === 0 && groups.value % 8 === 0 && valueDim % groups.value === 0;
  return whole && valueStart === 0 ? 'quantized' : 'panel';
}

/** Returns whether elements are read that lie in no simple order: in pages or a ring. */
export function isScattered(context: { readonly variant: Variant }): boolean {
  return readingOf(context) === 'elements' && isMade(context);
}

/** Returns whether rows of keys and values have to be made before they are packed: they are not simply elements in a row. */
export function isMade({ variant }: { readonly variant: Variant }): boolean {
  return variant.pages !== null || variant.groups !== null || variant.ring;
}
