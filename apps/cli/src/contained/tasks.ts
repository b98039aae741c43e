import type { FuzzReport, NotCovered, Progress, Report } from '@heed/conformance';
import type { AttentionBackend, BackendProvider, Capabilities } from '@heed/core';
import { importProvider } from '../backends/provider.ts';

/** What a child process is asked to do. Plain data: it crosses the process boundary. */
export type Task = { readonly url: string; readonly name: string } & (
  | { readonly kind: 'inspect' }
  | {
      readonly kind: 'verify';
      readonly clauses: readonly string[];
      readonly ids: readonly string[];
      readonly caseFiles: readonly string[];
    }
  | { readonly kind: 'fuzz'; readonly seconds: number; readonly seed: number | null }
);

/** How a backend presents itself. */
export interface Inspection {
  readonly name: string;
  readonly status: 'available' | 'unavailable';
  /** What really runs; null when nothing does. */
  readonly device: string | null;
  readonly capabilities: Capabilities | null;
  readonly reason?: string;
  readonly remedy?: string | null;
}

/** A step of a task; whoever waits for it notices when there are none. */
export interface Step {
  /** What begins: `probe`, `the first case`; or what has just ended: the id of a case. */
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
  /** How the case that has just ended went. */
  readonly status?: Progress['status'];
}

/** The report of a fuzzing run, and the disagreement as the text of a case file. */
export type FuzzOutcome = Omit<FuzzReport, 'disagreement'> & {
  readonly disagreement: { readonly message: string; readonly caseFile: string } | null;
};

export interface TaskResults {
  readonly inspect: Inspection;
  readonly verify: Report & { readonly notCovered: readonly NotCovered[] };
  readonly fuzz: FuzzOutcome;
}

/** Says how far a task is. */
export type Announce = (step: Step) => void;

/**
 * Performs a task. What it needs is loaded when it does: the suite is large, and an inspection is soon done.
 *
 * @throws HeedError what is wrong with the module or its provider; whatever else the provider throws.
 */
export async function perform(task: Task, announce: Announce): Promise<TaskResults[Task['kind']]> {
  announce({ text: 'import' });
  const provider = await importProvider(task.url, task.name);
  if (task.kind === 'inspect') {
    const { inspect } = await import('./inspect.ts');
    return inspect(provider, announce);
  }
  // Not the backend's time: on a slow machine it is seconds.
  announce({ text: 'loading the suite' });
  const { runFuzzer, runSuite } = await import('./conformance.ts');
  const announced = announcing(provider, announce);
  return task.kind === 'verify' ? runSuite(announced, task, announce) : runFuzzer(announced, task, announce);
}

/** The provider, which says how far it is until there is a backend. Cases may make more: those steps are theirs. */
function announcing(provider: BackendProvider, announce: Announce): BackendProvider {
  let hasBackend = false;
  const createFirst = async (): Promise<AttentionBackend> => {
    announce({ text: 'create' });
    const backend = await provider.create();
    hasBackend = true;
    announce({ text: 'the first case' });
    return backend;
  };
  return {
    contract: provider.contract,
    name: provider.name,
    probe: () => {
      if (!hasBackend) announce({ text: 'probe' });
      return provider.probe();
    },
    create: (options) => (hasBackend ? provider.create(options) : createFirst()),
  };
}
