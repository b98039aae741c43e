import { join } from 'node:path';
import { COPIES, type Mutant } from './instrument.ts';
import { Laboratory } from './laboratory.ts';
import type { Coverage, Verdict, WorkerOptions } from './worker.ts';

/** What {@link instrument} made, and the clauses of which the cases are run; all by default. */
export interface Subject {
  readonly folder: string;
  /** The file of the provider. */
  readonly entry: string;
  readonly topics?: readonly string[];
}

/** What became of a mutant: the case that killed it, or why there is none. */
export interface Fate {
  readonly mutant: Mutant;
  readonly fate: 'killed' | 'survived' | 'notReached';
  readonly by: Verdict;
}

/** Runs on every mutant the cases that reach it, the quickest first, until one fails. */
export async function* mutate(subject: Subject, mutants: readonly Mutant[]): AsyncGenerator<Fate> {
  const coverage = await coverageOf(workerOf(subject, COPIES.counting));
  const options = workerOf(subject, COPIES.plain);
  const laboratory = new Laboratory(options);
  try {
    for (const mutant of mutants) {
      if (coverage.atLoad[mutant.id] !== undefined) {
        yield fateOf(mutant, await atLoad(options, mutant, coverage));
        continue;
      }
      const { cases, hitLimit } = casesFor(mutant, coverage);
      if (cases.length === 0) yield { mutant, fate: 'notReached', by: null };
      else yield fateOf(mutant, await laboratory.verdict({ mutant: mutant.id, cases, hitLimit }));
    }
  } finally {
    await laboratory.close();
  }
}

function workerOf({ folder, entry, ...rest }: Subject, copy: string): WorkerOptions {
  return { module: join(folder, copy, entry), ...rest };
}

async function coverageOf(options: WorkerOptions): Promise<Coverage> {
  const laboratory = new Laboratory(options);
  try {
    return await laboratory.coverage();
  } finally {
    await laboratory.close();
  }
}

function fateOf(mutant: Mutant, by: Verdict): Fate {
  return { mutant, fate: by === null ? 'survived' : 'killed', by };
}

/** A mutant of what is computed while the modules load needs modules of its own. */
async function atLoad(options: WorkerOptions, { id }: Mutant, coverage: Coverage): Promise<Verdict> {
  const laboratory = new Laboratory({ ...options, activeMutant: id });
  try {
    const cases = byTime(coverage.cases).map((row) => row.id);
    return await laboratory.verdict({ mutant: null, cases, hitLimit: Infinity });
  } finally {
    await laboratory.close();
  }
}

function casesFor({ id }: Mutant, coverage: Coverage): { cases: readonly string[]; hitLimit: number } {
  const reaching = coverage.cases.filter(({ hits }) => hits[id] !== undefined);
  const hits = Math.max(...reaching.map((row) => row.hits[id]!), 0);
  return { cases: byTime(reaching).map((row) => row.id), hitLimit: 1000 + 100 * hits };
}

function byTime(rows: Coverage['cases']): Coverage['cases'] {
  return rows.toSorted((one, other) => one.ms - other.ms);
}
