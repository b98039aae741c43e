import { startProgress } from '../output/progress.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';
import { installedBackends } from './installed.ts';

/** Looks at the named or else the installed backends, one after another. */
export async function diagnoseAll(
  names: readonly string[],
  timeoutSeconds: number,
  memoryBytes?: number,
): Promise<Diagnosis[]> {
  const progress = startProgress('looking for backends');
  try {
    const diagnoses: Diagnosis[] = [];
    for (const name of names.length > 0 ? new Set(names) : installedBackends()) {
      const onStep = (step: string): void => progress.update(`${name}: ${step}`);
      diagnoses.push(await diagnose(name, { timeoutSeconds, memoryBytes, onStep }));
    }
    return diagnoses;
  } finally {
    progress.stop();
  }
}
