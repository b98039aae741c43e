import { type Capabilities, HeedError } from '@heed/core';
import { runContained } from '../contained/run-contained.ts';
import { type Located, locate } from './resolve.ts';

/** Diagnosis of one backend. */
export interface Diagnosis {
  /** The provider's own name. */
  readonly name: string;
  /** Name on the command line. */
  readonly specifier: string;
  readonly package: string | null;
  readonly version: string | null;
  /**
   * `available`; `unavailable`: its engine cannot run here; `missing`: not installed; `broken`: its package or
   * provider does not do what the contract says.
   */
  readonly status: 'available' | 'unavailable' | 'missing' | 'broken';
  /** Name of what really runs; null if nothing does. */
  readonly device: string | null;
  readonly capabilities: Capabilities | null;
  /** Figures of one small run, of backends that measure their runs. */
  readonly lastRun?: Readonly<Record<string, number>>;
  readonly reason: string | null;
  readonly remedy: string | null;
}

/** Looks at a backend from a separate process: answers within the time limit per step, whatever the backend does. */
export async function diagnose(
  name: string,
  options: {
    readonly timeoutSeconds: number;
    readonly memoryBytes?: number | undefined;
    readonly onStep?: (text: string) => void;
  },
): Promise<Diagnosis> {
  let found: Located;
  try {
    found = locate(name);
  } catch (error) {
    return { name, specifier: name, package: null, version: null, ...fault(error, 'missing') };
  }
  const { package: from, version } = found;
  const identity = { name: shortened(name), specifier: name, package: from, version };
  try {
    const inspection = await runContained<'inspect'>(
      { kind: 'inspect', url: found.url, name },
      {
        timeoutSeconds: options.timeoutSeconds,
        memoryBytes: options.memoryBytes,
        onStep: ({ text }) => options.onStep?.(text),
      },
    );
    return { ...identity, reason: null, remedy: null, ...inspection };
  } catch (error) {
    return { ...identity, ...fault(error, 'broken') };
  }
}

/** Name of a backend until its provider tells its own. */
function shortened(specifier: string): string {
  return specifier.replace(/^@heed\/backend-/, '');
}

type Fault = Omit<Diagnosis, 'name' | 'specifier' | 'package' | 'version'>;

function fault(error: unknown, status: 'missing' | 'broken'): Fault {
  if (!HeedError.isInstance(error)) throw error;
  return { status, device: null, capabilities: null, reason: error.reason, remedy: error.remedy ?? null };
}
