import { allCases, verify } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import { parentPort, workerData } from 'node:worker_threads';
import { BEGINS } from './signal.ts';
import { mutantSwitch } from './switch.ts';

/** Options of the worker. */
export interface WorkerOptions {
  /** The instrumented module, whose default export is the provider; it counts if coverage is requested. */
  readonly module: string;
  /** Mutant that is active while the module loads, for those that have an effect only then. */
  readonly activeMutant?: string;
  /** Only the cases of these clauses. Default: the whole suite. */
  readonly clauses?: readonly string[];
}

/** Time in milliseconds of each case that the backend passes, and the number of times that it runs each mutant. */
export interface Coverage {
  readonly cases: readonly { readonly id: string; readonly ms: number; readonly hits: Hits }[];
  readonly atLoad: Hits;
}
type Hits = Readonly<Record<string, number>>;

export interface Trial {
  readonly mutant: string | null;
  /** Ids of the cases, in running order. */
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
    // Runs once first, to cache what the case is compared with.
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
      // A mutant may also break the creation of the backend.
      const failure = await firstFailure(id).catch((error: unknown) => ({ id, message: String(error) }));
      if (failure !== null) return failure;
    }
    return null;
  } finally {
    mutantSwitch.activeMutant = activeMutant;
  }
}
