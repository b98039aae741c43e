import { type BackendProvider, HeedError, checkContract } from '@heed/core';
import { abortSignal, callback, checkOptions, number, required } from '@heed/core/backend';
import fc from 'fast-check';
import type { AgreementCase } from '../case.ts';
import { runCase } from '../run-case.ts';
import { dOutputOf, requestOf } from '../sketch.ts';
import { type FuzzInput, arbitraryInput } from './arbitrary-sketch.ts';

/** Options of {@link fuzz}. */
export interface FuzzOptions {
  /** Time to look for a disagreement, in seconds. Shrinking one takes additional time. */
  readonly seconds: number;
  /** The same seed tries the same problems in the same order. Default: a new one. */
  readonly seed?: number | undefined;
  /** Called after each problem with their number so far. */
  readonly onProgress?: ((problems: number) => void) | undefined;
  /** Ends the search early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Result of {@link fuzz}. */
export interface FuzzReport {
  readonly name: string;
  readonly device: string;
  readonly seed: number;
  /** Number of problems compared with the reference, including those of the shrinking. */
  readonly problems: number;
  readonly seconds: number;
  /** The smallest disagreement that was found; null if there was none. */
  readonly disagreement: Disagreement | null;
}

/** A problem on which backend and reference differ by more than the bound. */
export interface Disagreement {
  readonly message: string;
  /** The problem in words, as plain data. */
  readonly input: FuzzInput;
  /** The same as a case of the suite. */
  readonly case: AgreementCase;
}

/**
 * Compares a backend with the float64 reference on random problems over everything that it declares, and shrinks the
 * first disagreement to a small one.
 *
 * @throws HeedError `UNAVAILABLE`, `CONTRACT_VERSION`, `UNKNOWN_OPTION` or `ARGUMENT`.
 *
 * @example
 * ```ts
 * import { fuzz } from '@heed/conformance';
 * import reference from '@heed/core/reference';
 *
 * const { disagreement } = await fuzz(reference, { seconds: 1, seed: 7 });
 * console.log(disagreement); // null
 * ```
 */
export async function fuzz(provider: BackendProvider, options: FuzzOptions): Promise<FuzzReport> {
  checkOptions('fuzz()', options, {
    seconds: required(number('a number > 0', (seconds) => seconds > 0)),
    seed: number('an integer', Number.isSafeInteger),
    onProgress: callback,
    signal: abortSignal,
  });
  checkContract(provider);
  const availability = await provider.probe();
  if (!availability.available) {
    throw new HeedError('UNAVAILABLE', `${provider.name}: ${availability.reason}`, {
      remedy: availability.remedy,
    });
  }
  const backend = await provider.create();
  const started = performance.now();
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const end = started + options.seconds * 1000;
  let problems = 0;
  let found = false;
  try {
    const property = fc.asyncProperty(arbitraryInput(backend.capabilities), async (input) => {
      options.signal?.throwIfAborted();
      // fast-check's own time limit would end the shrinking as well.
      fc.pre(found || performance.now() < end);
      const outcome = await runCase(caseOf(input), { provider, backend });
      problems++;
      options.onProgress?.(problems);
      if (outcome.status === 'passed') return;
      found = true;
      throw new Error(outcome.status === 'failed' ? outcome.message : outcome.status);
    });
    const details = await fc.check(property, { seed, numRuns: 1_000_000_000, maxSkipsPerRun: 0 });
    options.signal?.throwIfAborted();
    const [input] = details.counterexample ?? [];
    return {
      name: backend.name,
      device: backend.device,
      seed,
      problems,
      seconds: (performance.now() - started) / 1000,
      disagreement:
        input === undefined
          ? null
          : { message: (details.errorInstance as Error).message, input, case: caseOf(input) },
    };
  } finally {
    await backend.dispose();
  }
}

function caseOf({ sketch, seed }: FuzzInput): AgreementCase {
  return {
    kind: 'agreement',
    id: `fuzz/${seed}`,
    clause: 'accuracy',
    purpose: 'A random problem agrees with the reference.',
    request: () => requestOf(sketch, seed),
    ...(sketch.gradient && { dOutput: () => dOutputOf(sketch, seed) }),
  };
}
