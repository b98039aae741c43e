import { allCases, verify } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import { parentPort, workerData } from 'node:worker_threads';
import { BEGINS } from './signal.ts';
import { mutantSwitch } from './switch.ts';

/** What the worker is told. */
export interface WorkerOptions {
  /** The instrumented module, whose default export is the provider; it counts when it is asked for its coverage. */
  readonly module: string;
  /** The mutant that is on while the module loads, for those that only then have an effect. */
  readonly activeMutant?: string;
  /** Only the cases of these clauses. Default: the whole suite. */
  readonly clauses?: readonly string[];
}

/** For each case that the backend passes, in milliseconds, and how often it passes each mutant. */
export interface Coverage {
  readonly cases: readonly { readonly id: string; readonly ms: number; readonly hits: Hits }[];
  readonly atLoad: Hits;
}
type Hits = Readonly<Record<string, number>>;

export interface Trial {
  readonly mutant: string | null;
  /** Ids, in the order to run in. */
  readonly cases: readonly string[];
  readonly hitLimit: number;
}

/** The first case that fails, and how. */
export type Verdict = { readonly id: string; readonly message: string } | null;

const { module, activeMutant, clauses } = workerData as WorkerOptions;
mutantSwitch.activeMutant = activeMutant;
const { default: provider } = (await import(module)) as { default: BackendProvider };
const atLoad: Hits = { ...mutantSwitch.mutantCoverage?.static };
const wanted = (await allCases()).filter(({ clause }) => clauses?.includes(clause) ?? true);
const cases = new Map(wanted.map((theCase) => [theCase.id, theCase]));

parentPort!.on('message', async (trial: Trial | 'coverage') => {
  parentPort!.postMessage(trial === 'coverage' ? await coverage() : await verdictOf(trial));
});

async function firstFailure(id: string): Promise<Verdict> {
  parentPort!.postMessage(BEGINS);
  const report = await verify(provider, { cases: [cases.get(id)!] });
  return report.clauses.flatMap(({ failures }) => failures)[0] ?? null;
}

async function coverage(): Promise<Coverage> {
  const rows: { id: string; ms: number; hits: Hits }[] = [];
  for (const id of cases.keys()) {
    // Once for what the case is compared with, which is kept.
    await firstFailure(id);
    mutantSwitch.currentTestId = id;
    const start = performance.now();
    const failure = await firstFailure(id);
    const ms = performance.now() - start;
    mutantSwitch.currentTestId = undefined;
    if (failure !== null) throw new Error(`${failure.id} fails without a mutant: ${failure.message}`);
    rows.push({ id, ms, hits: mutantSwitch.mutantCoverage?.perTest[id] ?? {} });
  }
  return { cases: rows, atLoad };
}

async function verdictOf(trial: Trial): Promise<Verdict> {
  mutantSwitch.activeMutant = trial.mutant ?? activeMutant;
  mutantSwitch.hitCount = 0;
  mutantSwitch.hitLimit = trial.hitLimit;
  try {
    for (const id of trial.cases) {
      mutantSwitch.hitCount = 0;
      // A mutant may spoil the making of the backend as well.
      const failure = await firstFailure(id).catch((error: unknown) => ({ id, message: String(error) }));
      if (failure !== null) return failure;
    }
    return null;
  } finally {
    mutantSwitch.activeMutant = activeMutant;
  }
}
