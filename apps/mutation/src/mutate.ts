import { join } from 'node:path';
import { COPIES, type Mutant } from './instrument.ts';
import { Laboratory } from './laboratory.ts';
import type { Coverage, Verdict, WorkerOptions } from './worker.ts';

/** Output of {@link instrument}, and the clauses whose cases run; all by default. */
export interface Subject {
  readonly folder: string;
  /** The file of the provider. */
  readonly entry: string;
  readonly clauses?: readonly string[];
}

/** Fate of a mutant: the case that killed it, or the reason that none did. */
export interface Fate {
  readonly mutant: Mutant;
  readonly fate: 'killed' | 'survived' | 'notReached';
  readonly by: Verdict;
}

/** Runs on every mutant the cases that reach it, until one fails: first those that killed the most, then the quickest. */
export async function* mutate(subject: Subject, mutants: readonly Mutant[]): AsyncGenerator<Fate> {
  const coverage = await coverageOf(workerOf(subject, COPIES.counting));
  const options = workerOf(subject, COPIES.plain);
  const laboratory = new Laboratory(options);
  const kills = new Map<string, number>();
  const inOrder = (rows: Coverage['cases']): string[] => {
    const killsOf = ({ id }: { id: string }): number => kills.get(id) ?? 0;
    return rows.toSorted((a, b) => killsOf(b) - killsOf(a) || a.ms - b.ms).map(({ id }) => id);
  };
  try {
    for (const mutant of mutants) {
      const { id } = mutant;
      const isAtLoad = coverage.atLoad[id] !== undefined;
      const reaching = isAtLoad
        ? coverage.cases
        : coverage.cases.filter(({ hits }) => hits[id] !== undefined);
      if (reaching.length === 0) {
        yield { mutant, fate: 'notReached', by: null };
        continue;
      }
      const cases = inOrder(reaching);
      const by = isAtLoad
        ? await atLoad(options, id, cases)
        : await laboratory.verdict({ mutant: id, cases, hitLimit: hitLimitOf(id, reaching) });
      if (by !== null) kills.set(by.id, (kills.get(by.id) ?? 0) + 1);
      yield { mutant, fate: by === null ? 'survived' : 'killed', by };
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

/** Runs a mutant of code that runs while modules load, which requires fresh modules. */
async function atLoad(options: WorkerOptions, id: string, cases: readonly string[]): Promise<Verdict> {
  const laboratory = new Laboratory({ ...options, activeMutant: id });
  try {
    return await laboratory.verdict({ mutant: null, cases, hitLimit: Infinity });
  } finally {
    await laboratory.close();
  }
}

/** Number of times that one case may execute a mutant before that counts as an endless loop. */
function hitLimitOf(id: string, reaching: Coverage['cases']): number {
  return 1000 + 100 * Math.max(...reaching.map(({ hits }) => hits[id]!));
}
