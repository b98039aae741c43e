import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { instrument } from './instrument.ts';
import { type Fate, mutate } from './mutate.ts';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '.' },
    out: { type: 'string', default: 'mutants.json' },
  },
});

// What makes the provider, gives turns to others, and tells the plan is no kernel.
const NO_KERNELS = ['index.ts', 'provider.ts', 'turns.ts', 'plan.ts'];
const source = fileURLToPath(new URL('../../../packages/backend-ts/src/', import.meta.url));
const target = fileURLToPath(new URL('../instrumented/', import.meta.url));
const wanted = new RegExp(values.files);
const isMutated = (file: string): boolean => !NO_KERNELS.includes(file) && wanted.test(file);

const mutants = await instrument(source, isMutated, target);
const fates: Fate[] = [];
for await (const fate of mutate({ folder: target, entry: 'index.js' }, mutants)) {
  fates.push(fate);
  const { file, line, original, replacement } = fate.mutant;
  if (fate.fate !== 'killed') console.log(`${fate.fate} ${file}:${line} ${original} → ${replacement}`);
  if (fates.length % 50 === 0) console.error(`${fates.length} of ${mutants.length}`);
}
const count = (wantedFate: Fate['fate']): number => fates.filter(({ fate }) => fate === wantedFate).length;
await writeFile(values.out, JSON.stringify(fates, null, 1));
console.log(`${count('killed')} killed, ${count('survived')} survived, ${count('notReached')} not reached`);
