import { type Capabilities, HeedError } from '@heed/core';
import { runContained } from '../contained/run-contained.ts';
import { type Located, locate } from './resolve.ts';

/** What there is to say about one backend. */
export interface Diagnosis {
  readonly name: string;
  readonly package: string | null;
  readonly version: string | null;
  /**
   * `available`; `unavailable`: its engine cannot run here; `missing`: not installed; `broken`: its package or
   * provider does not do what the contract says.
   */
  readonly status: 'available' | 'unavailable' | 'missing' | 'broken';
  /** What really runs; null when nothing does. */
  readonly device: string | null;
  readonly capabilities: Capabilities | null;
  readonly reason: string | null;
  readonly remedy: string | null;
}

/** Looks at a backend from a process of its own: whatever it does there, this answers within the time limit a step. */
export async function diagnose(
  name: string,
  options: { readonly limitMs: number; readonly onStep?: (text: string) => void },
): Promise<Diagnosis> {
  let found: Located;
  try {
    found = locate(name);
  } catch (error) {
    return { name, package: null, version: null, ...fault(error, 'missing') };
  }
  const from = { name: name.replace(/^@heed\/backend-/, ''), package: found.package, version: found.version };
  try {
    const inspection = await runContained<'inspect'>(
      { kind: 'inspect', url: found.url, name },
      { silenceMs: options.limitMs, onStep: ({ text }) => options.onStep?.(text) },
    );
    return { ...from, reason: null, remedy: null, ...inspection };
  } catch (error) {
    return { ...from, ...fault(error, 'broken') };
  }
}

function fault(error: unknown, status: 'missing' | 'broken'): Omit<Diagnosis, 'name' | 'package' | 'version'> {
  if (!HeedError.isInstance(error)) throw error;
  return { status, device: null, capabilities: null, reason: error.message, remedy: error.remedy ?? null };
}
