import type { FloatTensor } from '../tensors.ts';

/** Number of times that Heed itself has changed the numbers of an array. */
const versions = new WeakMap<FloatTensor['data'], number>();

/** Records that a parameter was changed by `loadStateDict()` or an optimizer. */
export function recordChange({ data }: FloatTensor): void {
  versions.set(data, versionOf(data) + 1);
}

/** Number of recorded changes. */
export function versionOf(data: FloatTensor['data']): number {
  return versions.get(data) ?? 0;
}
