import { checkContract } from './assert-backend.ts';
import type { AttentionBackend, BackendProvider } from './contract.ts';
import { checkProblem } from './check-problem.ts';
import { HeedError, textOf } from './error.ts';
import { shown } from './options/shown.ts';
import type { AttentionProblem } from './problem.ts';

/** A provider that was skipped, and the reason. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
  readonly remedy?: string;
}

/**
 * Returns the first backend, in the order given, whose engine runs here and which supports the problem. The choice is
 * not silent: `skipped` has the reason for each provider before it.
 *
 * @param problem of `resolveRequest(request)`. Default: none, any backend that runs will do.
 * @throws HeedError `UNAVAILABLE` when there is none; its message names every reason. `ARGUMENT` for what is not an array, and what
 * `resolveRequest` throws for what is not a problem.
 *
 * @example
 * ```ts
 * import { firstAvailable } from '@heed/core';
 * import reference from '@heed/core/reference';
 * import ts from '@heed/backend-ts';
 *
 * const { backend, skipped } = await firstAvailable([ts, reference]);
 * console.log(backend.name, skipped.length); // ts 0
 * ```
 */
export async function firstAvailable(
  providers: readonly BackendProvider[],
  problem?: AttentionProblem,
): Promise<{ backend: AttentionBackend; skipped: readonly Skipped[] }> {
  if (!Array.isArray(providers)) {
    throw new HeedError('ARGUMENT', `providers is ${shown(providers)}; expected an array`, {
      clause: 'contract',
      remedy: 'list them in the order of preference: firstAvailable([wasm, ts])',
    });
  }
  if (problem !== undefined) checkProblem(problem);
  const skipped: Skipped[] = [];
  for (const provider of providers) {
    const result = await tryProvider(provider, problem);
    if ('backend' in result) return { backend: result.backend, skipped };
    skipped.push(result);
  }
  const reasons = skipped.map(
    ({ name, reason, remedy }) => `${name}: ${reason}${remedy ? ` (${remedy})` : ''}`,
  );
  throw new HeedError('UNAVAILABLE', `no backend can be used: ${reasons.join('; ') || 'none was given'}`, {
    remedy: 'add @heed/backend-ts, which runs everywhere and computes everything',
  });
}

async function tryProvider(
  provider: BackendProvider,
  problem: AttentionProblem | undefined,
): Promise<{ backend: AttentionBackend } | Skipped> {
  const name = String((provider as BackendProvider | undefined | null)?.name ?? shown(provider));
  try {
    checkContract(provider);
    const availability = await provider.probe();
    if (!availability.available) return { name, reason: availability.reason, remedy: availability.remedy };
    return await tryBackend(name, await provider.create(), problem);
  } catch (error) {
    if (!HeedError.isInstance(error))
      return { name, reason: textOf(error instanceof Error ? error.message : error) };
    const { reason, remedy } = error;
    return { name, reason, ...(remedy !== undefined && { remedy }) };
  }
}

/** Disposes the backend unless it can be used. */
async function tryBackend(
  name: string,
  backend: AttentionBackend,
  problem: AttentionProblem | undefined,
): Promise<{ backend: AttentionBackend } | Skipped> {
  let usable = false;
  try {
    const support = problem ? backend.supports(problem) : { supported: true as const };
    usable = support.supported;
    return support.supported ? { backend } : { name, reason: `${support.clause}: ${support.reason}` };
  } finally {
    if (!usable) await backend.dispose();
  }
}
