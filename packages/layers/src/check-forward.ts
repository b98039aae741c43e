import { type OptionKind, abortSignal, assertBackend, checkOptions, flag } from '@heed/core/backend';
import type { ForwardOptions } from './attend.ts';

/**
 * Checks the arguments of a layer's forward() other than its inputs, before it computes anything.
 *
 * @param more options of that layer alone.
 * @throws HeedError `ARGUMENT` or `CONTRACT_VERSION`.
 */
export function checkForward(
  backend: unknown,
  options: ForwardOptions = {},
  more: Readonly<Record<string, OptionKind | true>> = {},
): void {
  assertBackend(backend);
  checkOptions('forward()', options, { signal: abortSignal, weights: flag, gradient: true, ...more });
  const { gradient = false } = options;
  if (typeof gradient !== 'boolean') assertBackend(gradient, 'gradient');
}
