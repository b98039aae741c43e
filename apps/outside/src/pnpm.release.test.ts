import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Printed, distance, entryPoints, importing, program } from './projects/everyday.ts';
import { type Project, emptyProject, heedJSON } from './projects/project.ts';

const packages = inject('packages');
const entries = packages.flatMap((owner) => entryPoints(owner).map((entry) => [entry, owner] as const));
let project: Project;
beforeAll(async () => {
  project = emptyProject(inject('world'), 'strict-pnpm');
  await project.run('pnpm', 'add', ...packages.map(({ manifest }) => manifest.name));
});

describe("pnpm's strict folders: nothing is imported that is not declared", () => {
  test.each(entries)('%s', async (entry, owner) => {
    expect(await importing(project, owner, entry)).toBe('');
  });

  test('a backend, and another by changing one import', async () => {
    const printed = async (backend: string): Promise<Printed> => {
      project.write('program.js', program(backend));
      return JSON.parse((await project.run('node', 'program.js')).stdout) as Printed;
    };
    expect(distance(await printed('@heed/backend-ts'), await printed('@heed/core/reference'))).toBeLessThan(
      1e-5,
    );
  });

  test('the command sees every backend that is installed', async () => {
    const { value } = await heedJSON<{ backends: { package: string }[] }>(project, 'doctor');
    const seen = value.backends.map((backend) => backend.package);
    const installed = packages.filter(({ manifest }) => manifest.keywords?.includes('heed-backend'));
    expect(seen).toEqual(expect.arrayContaining(installed.map(({ manifest }) => manifest.name)));
  });
});
