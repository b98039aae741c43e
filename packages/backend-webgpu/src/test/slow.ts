import type { ConformanceCase } from '@heed/conformance';

/**
 * Returns whether a case is slow where adapters compile for seconds: each head size that a property draws, and each combination of
 * features, is a pipeline of its own.
 */
export function isSlow({ id }: ConformanceCase): boolean {
  return /^combination\/|\/property\//.test(id);
}
