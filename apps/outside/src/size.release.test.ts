import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, inject, test } from 'vitest';
import { emptyProject, projectAt } from './projects/project.ts';

/** Kilobytes (1000 bytes) of everything that an entry point exports, minified, gzipped, without its peers. */
const BUDGETS = [
  ['@heed/core', 20],
  ['@heed/core/backend', 26],
  ['@heed/core/operations', 11],
  ['@heed/core/reference', 28],
  ['@heed/backend-ts', 20],
] as const;

const project = projectAt(inject('world'), inject('everyday'));

async function gzippedSize(specifier: string): Promise<number> {
  const entry = project.write(
    'size/all.js',
    `export * from '${specifier}';\nexport * as all from '${specifier}';\n`,
  );
  const isPeer = (id: string): boolean => id.startsWith('@heed/core') && !specifier.startsWith('@heed/core');
  const result = await build({
    root: path.dirname(entry),
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      // `lib` keeps a library's whitespace for later tools; a build of an application removes it.
      rollupOptions: { input: entry, external: isPeer, preserveEntrySignatures: 'strict' },
      modulePreload: false,
    },
  });
  const { output } = [result].flat()[0] as { output: { type: string; code?: string }[] };
  const code = output.map((chunk) => chunk.code ?? '').join('');
  expect(code.length).toBeGreaterThan(1000);
  return gzipSync(code, { level: 9 }).length;
}

test.each(BUDGETS)('%s stays under %d kB gzipped', async (specifier, kilobytes) => {
  const size = await gzippedSize(specifier);
  console.log(`${specifier}: ${(size / 1000).toFixed(1)} kB of ${kilobytes}`);
  expect(size).toBeLessThan(kilobytes * 1000);
});

/** Megabytes of everything that `npx @heed/cli` writes to the disk before it runs. */
const COMMAND_MEGABYTES = 30;

test(`the command installs in less than ${COMMAND_MEGABYTES} MB`, async () => {
  const alone = emptyProject(inject('world'), 'command-alone');
  await alone.run('npm', 'install', '@heed/cli');
  const files = readdirSync(path.join(alone.folder, 'node_modules'), { recursive: true, encoding: 'utf8' });
  const bytes = files
    .map((name) => lstatSync(path.join(alone.folder, 'node_modules', name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  console.log(`@heed/cli: ${(bytes / 1e6).toFixed(1)} MB of ${COMMAND_MEGABYTES}`);
  expect(bytes).toBeGreaterThan(1e6);
  expect(bytes).toBeLessThan(COMMAND_MEGABYTES * 1e6);
}, 240_000);
