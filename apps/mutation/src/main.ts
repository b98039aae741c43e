import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Explanation, KINDS, type Survivors, explain, killedBefore, nameOf } from './explained.ts';
import { instrument } from './instrument.ts';
import { type Fate, mutate } from './mutate.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '.' },
    out: { type: 'string', default: 'mutants.json' },
    since: { type: 'string' },
  },
});

// Files without arithmetic: they make the provider, or report the plan.
const LEFT_OUT = ['index.ts', 'provider.ts', 'options.ts', 'backend.ts', 'capabilities.ts', 'plan/plan.ts'];
const source = fileURLToPath(new URL('../../../packages/backend-ts/src/', import.meta.url));
const target = fileURLToPath(new URL('../instrumented/', import.meta.url));
const wanted = new RegExp(values.files);
const isMutated = (file: string): boolean => !LEFT_OUT.includes(file) && wanted.test(file);

const start = performance.now();
const mutants = await instrument(source, isMutated, target);
const before = values.since === undefined ? [] : await readJson<readonly Fate[]>(values.since);
const fates: Fate[] = killedBefore(mutants, before);
const done = new Set(fates.map(({ mutant }) => mutant));
const open = mutants.filter((mutant) => !done.has(mutant));
for await (const fate of mutate({ folder: target, entry: 'index.js' }, open)) {
  fates.push(fate);
  if (fate.fate !== 'killed') console.error(`${fate.fate}: ${nameOf(fate.mutant)}`);
  if (fates.length % 50 > 0) continue;
  console.error(`${fates.length} of ${mutants.length}`);
  await keep();
}
await keep();
const explanations = await readJson<readonly Explanation[]>(new URL('../explained.json', import.meta.url));
report(fates, explain(fates, explanations));

/** Reports unexplained survivors, stale explanations, and the counts; either of the first two makes the exit code 1. */
function report(all: readonly Fate[], { explained, stale }: Survivors): void {
  const unexplained = explained.filter(({ by }) => by === null);
  for (const { mutant } of unexplained) console.log(`unexplained, line ${mutant.line}: ${nameOf(mutant)}`);
  for (const name of stale) console.log(`explained, and no survivor: ${name}`);
  const kinds = [...KINDS, 'unexplained'].map((kind) => {
    const some = explained.filter(({ by }) => (by?.kind ?? 'unexplained') === kind);
    return `${some.length} ${kind}`;
  });
  const minutes = Math.round((performance.now() - start) / 60_000);
  console.log(`${all.length} mutants, ${all.length - explained.length} killed, ${explained.length} survived`);
  console.log(`survivors: ${kinds.join(', ')}`);
  console.log(`${minutes} minutes, Node ${process.versions.node}`);
  if (unexplained.length + stale.length > 0) process.exitCode = 1;
}

/** Saves results also during the run, so that `--since` can continue a run that ended early. */
function keep(): Promise<void> {
  return writeFile(values.out, JSON.stringify(fates, null, 1));
}

async function readJson<T>(path: string | URL): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}
