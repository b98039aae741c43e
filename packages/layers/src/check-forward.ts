import { abortSignal, assertBackend, checkOptions, flag } from '@heed/core/backend';
import type { ForwardOptions } from './attend.ts';

/**
 * What a layer's forward() is called with besides its inputs, checked before it computes anything.
 *
 * @throws HeedError `ARGUMENT` or `CONTRACT_VERSION`.
 */
export function checkForward(backend: unknown, options: ForwardOptions = {}): void {
  assertBackend(backend);
  checkOptions('forward()', options, { signal: abortSignal, weights: flag, gradient: true });
  const { gradient = false } = options;
  if (typeof gradient !== 'boolean') assertBackend(gradient, 'gradient');
}
