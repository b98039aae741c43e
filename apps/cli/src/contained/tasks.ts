import { type BackendProvider, type Capabilities, HeedError } from '@heed/core';
import {
  type Progress as CaseProgress,
  type FuzzReport,
  type NotCovered,
  type Report,
  allCases,
  caseFile,
  fuzz,
  readCases,
  verify,
} from '@heed/conformance';
import { firstLine, importProvider } from '../backends/provider.ts';

/** What a child process is asked to do. Plain data: it crosses the process boundary. */
export type Task = { readonly url: string; readonly name: string } & (
  | { readonly kind: 'inspect' }
  | { readonly kind: 'verify'; readonly topics: readonly string[]; readonly caseFiles: readonly string[] }
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
  /** What begins: `probe`; or what has just ended: the id of a case. */
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
  /** How the case that has just ended went. */
  readonly status?: CaseProgress['status'];
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

type Announce = (step: Step) => void;

/** @throws HeedError what is wrong with the module or its provider; whatever else the provider throws. */
export async function perform(task: Task, announce: Announce): Promise<TaskResults[Task['kind']]> {
  announce({ text: 'import' });
  const provider = await importProvider(task.url, task.name);
  switch (task.kind) {
    case 'inspect':
      return inspect(provider, announce);
    case 'verify':
      return runSuite(provider, task, announce);
    case 'fuzz':
      return runFuzzer(provider, task, announce);
  }
}

async function inspect(provider: BackendProvider, announce: Announce): Promise<Inspection> {
  announce({ text: 'probe' });
  const availability = await provider.probe();
  const { name } = provider;
  const nothing = { name, status: 'unavailable' as const, device: null, capabilities: null };
  if (!availability.available) {
    return { ...nothing, reason: availability.reason, remedy: availability.remedy };
  }
  announce({ text: 'create' });
  try {
    const backend = await provider.create();
    const { device, capabilities } = backend;
    await backend.dispose();
    return { name, status: 'available', device, capabilities };
  } catch (error) {
    if (HeedError.isInstance(error) && error.code === 'UNAVAILABLE') {
      return { ...nothing, reason: error.message, remedy: error.remedy ?? null };
    }
    throw new HeedError('ENGINE', `probe says that it is available, create fails: ${firstLine(error)}`, {
      cause: error,
    });
  }
}

async function runSuite(
  provider: BackendProvider,
  { topics, caseFiles }: Extract<Task, { kind: 'verify' }>,
  announce: Announce,
): Promise<TaskResults['verify']> {
  const { cases, notCovered } =
    caseFiles.length > 0 ? await readCases(caseFiles) : { cases: await allCases(), notCovered: [] };
  const report = await verify(provider, {
    cases,
    ...(topics.length > 0 && { topics }),
    onProgress: ({ id, done, total, status }) => announce({ text: id, done, total, status }),
  });
  return { ...report, notCovered };
}

async function runFuzzer(
  provider: BackendProvider,
  { seconds, seed }: Extract<Task, { kind: 'fuzz' }>,
  announce: Announce,
): Promise<FuzzOutcome> {
  const { disagreement, ...report } = await fuzz(provider, {
    seconds,
    ...(seed !== null && { seed }),
    onProgress: (problems) => announce({ text: `problem ${problems}`, done: problems }),
  });
  if (disagreement === null) return { ...report, disagreement };
  const source = `the float64 reference, where ${report.name} differs (fuzzing, seed ${report.seed})`;
  const { message } = disagreement;
  return { ...report, disagreement: { message, caseFile: caseFile(source, [disagreement.case]) } };
}
