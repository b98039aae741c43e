import type { Tensor } from '@heed/core';
import { ensureError } from './behavior.ts';

/** Turns of promises between a call and a transfer: engines read their inputs after different ones. */
const TURNS = [0, 1, 2, 3, 5, 8, 13, 21];

/** A call under way, and the tensors that it was given, in memory of their own. */
interface Call<R> {
  readonly given: readonly Tensor[];
  readonly result: Promise<R>;
}

/**
 * Makes a call several times and transfers the memory of its tensors at another moment each time. It must reject with
 * `SHAPE` or give its result, which `check` compares.
 */
export async function transferDuring<R>(
  begin: () => Call<R>,
  check: (result: R, what: string) => void | Promise<void>,
): Promise<void> {
  for (const turns of TURNS) {
    const { given, result } = begin();
    const ended = Promise.allSettled([result]);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const buffers = new Set(given.map(({ data }) => data.buffer as ArrayBuffer));
    structuredClone(null, { transfer: [...buffers] });
    const [outcome] = await ended;
    const what = `a call whose inputs are transferred ${turns} turns later`;
    if (outcome.status === 'fulfilled') await check(outcome.value, what);
    else await ensureError(() => Promise.reject(outcome.reason as Error), 'SHAPE', what);
  }
}
