import { caseFile, fuzz, readCases, verify } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import { importExpectedFailures } from '../backends/provider.ts';
import type { Announce, FuzzOutcome, Task, TaskResults } from './tasks.ts';

export async function runSuite(
  provider: BackendProvider,
  { url, name, clauses, ids, caseFiles }: Extract<Task, { kind: 'verify' }>,
  announce: Announce,
): Promise<TaskResults['verify']> {
  const { cases, notCovered } = caseFiles.length > 0 ? await readCases(caseFiles) : { notCovered: [] };
  const report = await verify(provider, {
    ...(cases && { cases }),
    ...(clauses.length > 0 && { clauses }),
    ...(ids.length > 0 && { ids }),
    // A list is about the suite, not about cases of files.
    ...(caseFiles.length === 0 && { expectedFailures: await importExpectedFailures(url, name) }),
    onProgress: ({ id, done, total, status }) => announce({ text: id, done, total, status }),
  });
  return { ...report, notCovered };
}

export async function runFuzzer(
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
