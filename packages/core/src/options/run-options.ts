import type { RunOptions } from '../run-options.ts';
import { checkOptions } from './check-options.ts';
import { abortSignal, flag } from './kinds.ts';

/**
 * Checks the options of a run.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function checkRunOptions(
  owner: string,
  options: RunOptions & { readonly resident?: boolean | undefined },
): void {
  checkOptions(owner, options, { signal: abortSignal, resident: flag });
}
