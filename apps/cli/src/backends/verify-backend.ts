import type { NotCovered, Report } from '@heed/conformance';
import { HeedError, type HeedErrorJSON } from '@heed/core';
import { runContained } from '../contained/run-contained.ts';
import type { Step } from '../contained/tasks.ts';
import type { Located } from './resolve.ts';

/** Results of a backend's verification. Plain JSON. */
export interface Verified extends Omit<Report, 'device'> {
  /** Name of what really ran; null if the backend ended before it could tell. */
  readonly device: string | null;
  readonly package: string | null;
  readonly version: string | null;
  readonly seconds: number;
  /** Parts of case files that nothing here checks. */
  readonly notCovered?: readonly NotCovered[];
  readonly fuzz?: {
    /** Seed, to repeat the same problems. */
    readonly seed: number;
    /** Number of problems compared with the reference. */
    readonly problems: number;
    /** The smallest problem that the backend gets wrong, saved as a case file. */
    readonly disagreement: { readonly message: string; readonly file: string } | null;
  };
  /** Error that ended the verification early: the backend's process hung or died. Counts as one failure. */
  readonly error?: HeedErrorJSON;
}

interface Options {
  /** Time limit for each case. */
  readonly timeoutSeconds: number;
  /** Memory limit of its process. Default: half of the machine's. */
  readonly memoryBytes?: number | undefined;
  readonly say: (text: string) => void;
}

/**
 * Runs the suite, or the cases of files, on a backend.
 *
 * @throws HeedError when the backend cannot be imported or cannot run here, is not a provider, or an argument is wrong.
 * A backend that hangs or dies is reported as such.
 */
export async function verifyBackend(
  backend: Located,
  options: Options & {
    readonly clauses: readonly string[];
    readonly ids: readonly string[];
    readonly caseFiles: readonly string[];
  },
): Promise<Verified> {
  const { clauses, ids, caseFiles, timeoutSeconds, memoryBytes, say } = options;
  const { url, name } = backend;
  const { tally, onStep } = counter(name, say);
  return timed(backend, tally, async () => {
    const task = { kind: 'verify', url, name, clauses, ids, caseFiles } as const;
    const { notCovered, ...report } = await runContained<'verify'>(task, {
      timeoutSeconds,
      memoryBytes,
      onStep,
    });
    return { ...report, ...(caseFiles.length > 0 && { notCovered }) };
  });
}

/** Compares a backend with the reference on random problems. @throws HeedError as {@link verifyBackend} does. */
export async function fuzzBackend(
  backend: Located,
  options: Options & {
    readonly seconds: number;
    readonly seed: number | null;
    /** Writes a case file and returns its path. */
    readonly saveCase: (text: string, seed: number) => string;
  },
): Promise<Verified> {
  const { seconds, timeoutSeconds, memoryBytes, say, saveCase } = options;
  const { url, name } = backend;
  const { tally, onStep } = counter(name, say);
  return timed(backend, tally, async () => {
    const task = { kind: 'fuzz', url, name, seconds, seed: options.seed } as const;
    const { seed, problems, disagreement, ...about } = await runContained<'fuzz'>(task, {
      timeoutSeconds,
      memoryBytes,
      onStep,
    });
    const failed = disagreement === null ? 0 : 1;
    const saved = disagreement && {
      message: disagreement.message,
      file: saveCase(disagreement.caseFile, seed),
    };
    return {
      ...NONE,
      name: about.name,
      device: about.device,
      passed: problems - failed,
      failed,
      fuzz: { seed, problems, disagreement: saved },
    };
  });
}

const NONE = {
  passed: 0,
  failed: 0,
  refused: 0,
  notGuaranteed: 0,
  expectedFailures: 0,
  clauses: [],
} as const;

type Tally = Record<'passed' | 'failed' | 'refused' | 'notGuaranteed', number>;

/** Counts cases as they end, so that a backend that does not reach the end has a report. */
function counter(name: string, say: Options['say']): { tally: Tally; onStep: (step: Step) => void } {
  const tally: Tally = { passed: 0, failed: 0, refused: 0, notGuaranteed: 0 };
  const onStep = ({ text, done, total, status }: Step): void => {
    if (status !== undefined && status !== 'notApplicable') tally[status]++;
    say(total === undefined ? `${name}: ${text}` : `${name}: ${done} of ${total}, ${text}`);
  };
  return { tally, onStep };
}

async function timed(
  backend: Located,
  tally: Tally,
  work: () => Promise<Omit<Verified, 'package' | 'version' | 'seconds'>>,
): Promise<Verified> {
  const started = performance.now();
  const about = (): Pick<Verified, 'package' | 'version' | 'seconds'> => ({
    package: backend.package,
    version: backend.version,
    seconds: Math.round(performance.now() - started) / 1000,
  });
  try {
    return { ...(await work()), ...about() };
  } catch (error) {
    if (!HeedError.isInstance(error) || error.code !== 'ENGINE') throw error;
    const counts = { ...NONE, ...tally, failed: tally.failed + 1 };
    return { ...counts, name: backend.name, device: null, ...about(), error: error.toJSON() };
  }
}
