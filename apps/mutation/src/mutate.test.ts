import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { instrument } from './instrument.ts';
import { type Fate, mutate } from './mutate.ts';

const PROVIDER = `
import reference from '@heed/core/reference';
import { scaled } from './scaled.ts';

export default { ...reference, create: async () => {
  const backend = await reference.create();
  return { ...backend, compile: (problem) => backend.compile(scaled(problem)) };
} };
`;
const SCALED = `
const FACTOR = 2 - 1;

export function scaled(problem: { scale: number }): object {
  const unused = problem.scale + 1;
  if (problem.scale === 12345) return {};
  while (problem.scale * 0 > 0) {}
  return { ...problem, scale: problem.scale * FACTOR };
}
`;

// Beside the source, where its imports resolve.
const here = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(join(here, 'instrumented-'));
afterAll(() => rm(folder, { recursive: true }));

test('mutants are killed, survive, or are not reached', async () => {
  await writeFile(join(folder, 'index.ts'), PROVIDER);
  await writeFile(join(folder, 'scaled.ts'), SCALED);
  const target = join(folder, 'javascript');
  const mutants = await instrument(folder, (name) => name === 'scaled.ts', target);
  const fates: Fate[] = [];
  const subject = { folder: target, entry: 'index.js', clauses: ['valueDim'] };
  for await (const fate of mutate(subject, mutants)) fates.push(fate);

  const fateOf = (original: string, replacement: string): string | undefined =>
    fates.find(({ mutant }) => mutant.original === original && mutant.replacement === replacement)?.fate;
  expect(fateOf('problem.scale * FACTOR', 'problem.scale / FACTOR')).toBe('survived');
  expect(fateOf('problem.scale + 1', 'problem.scale - 1')).toBe('survived');
  expect(fateOf('problem.scale === 12345', 'true')).toBe('killed');
  // Runs while the module loads, in an endless loop.
  expect(fateOf('2 - 1', '2 + 1')).toBe('killed');
  expect(fateOf('problem.scale * 0 > 0', 'problem.scale * 0 >= 0')).toBe('killed');
}, 60_000);
