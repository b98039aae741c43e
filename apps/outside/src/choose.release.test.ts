import { beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type Printed,
  distance,
  entryPoints,
  importing,
  isBackend,
  isSelfContained,
  program,
} from './projects/everyday.ts';
import { heedJSON, projectAt } from './projects/project.ts';

const project = projectAt(inject('world'), inject('everyday'));
const packages = inject('packages').filter(isSelfContained);
const entries = packages.flatMap((owner) => entryPoints(owner).map((entry) => [entry, owner] as const));
const backends = packages.filter(isBackend).map(({ manifest }) => manifest.name);

async function printedBy(backend: string): Promise<Printed> {
  project.write('program.js', program(backend));
  return JSON.parse((await project.run('node', 'program.js')).stdout) as Printed;
}

describe('after npm install', () => {
  test.each(entries)('%s can be imported, and prints nothing', async (entry, owner) => {
    expect(await importing(project, owner, entry)).toBe('');
  });

  test('nothing of the workspace is reached: every package is a folder of the project, in the version released', () => {
    for (const { manifest } of packages) {
      const installed = JSON.parse(project.read(`node_modules/${manifest.name}/package.json`)) as object;
      expect(installed).toMatchObject({ name: manifest.name, version: manifest.version });
      expect(JSON.stringify(installed)).not.toContain('workspace:');
    }
  });

  test.each(packages.map(({ manifest }) => manifest.name))('%s has its license and its README', (name) => {
    expect(project.read(`node_modules/${name}/LICENSE`)).toContain('Apache License');
    expect(project.read(`node_modules/${name}/README.md`)).toMatch(/^# /);
  });
});

describe('a backend is chosen by one import', () => {
  let reference: Printed;
  beforeAll(async () => {
    reference = await printedBy('@heed/core/reference');
  });

  test.each(backends)('%s agrees with the reference, or says why it cannot run here', async (backend) => {
    const { value } = await heedJSON<{ backends: [{ status: string; reason: string; remedy: string }] }>(
      project,
      'doctor',
      backend,
    );
    const [{ status, reason, remedy }] = value.backends;
    if (status === 'available') {
      expect(distance(await printedBy(backend), reference)).toBeLessThan(1e-5);
    } else {
      expect({ status, reason, remedy }).toEqual({
        status: 'unavailable',
        reason: expect.stringMatching(/\w/),
        remedy: expect.stringMatching(/\w/),
      });
    }
  });

  test('at least one can', async () => {
    const { value } = await heedJSON<{ backends: { status: string; specifier: string }[] }>(
      project,
      'doctor',
    );
    const available = value.backends.filter(({ status }) => status === 'available');
    expect(available.map(({ specifier }) => specifier)).toContain('ts');
  });
});
