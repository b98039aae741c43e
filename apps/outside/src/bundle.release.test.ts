import { cpSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { build } from 'vite';
import { describe, expect, inject, test } from 'vitest';
import { type Printed, distance, isBackend, isSelfContained, program } from './projects/everyday.ts';
import { projectAt } from './projects/project.ts';

const world = inject('world');
const project = projectAt(world, inject('everyday'));
/** Backends for Node alone: one is compiled for it, one uses Node's sockets. Neither runs in a page. */
const OF_NODE = ['@heed/backend-native', '@heed/backend-cluster'];
const withoutEngine = inject('packages').filter(
  (entry) =>
    isBackend(entry) &&
    isSelfContained(entry) &&
    !entry.manifest.peerDependenciesMeta &&
    !OF_NODE.includes(entry.manifest.name),
);

/** Bundles the program with a backend, and runs it in a folder without packages. */
async function bundled(backend: string): Promise<Printed> {
  const entry = project.write('bundled/program.js', program(backend));
  const outDir = path.join(project.folder, 'bundled/dist');
  await build({
    root: path.dirname(entry),
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      lib: { entry, formats: ['es'], fileName: 'program' },
    },
  });
  const nowhere = mkdtempSync(path.join(world.home, 'bundle-'));
  cpSync(outDir, nowhere, { recursive: true });
  const alone = projectAt(world, nowhere);
  alone.write('package.json', '{ "type": "module" }');
  return JSON.parse((await alone.run('node', 'program.js')).stdout) as Printed;
}

describe('a vite bundle has all that it needs', () => {
  test.each(withoutEngine.map(({ manifest }) => manifest.name))('%s', async (backend) => {
    const printed = await bundled(backend);
    expect(distance(printed, await bundled('@heed/core/reference'))).toBeLessThan(1e-5);
    expect(printed.name).not.toBe('reference');
  });
});
