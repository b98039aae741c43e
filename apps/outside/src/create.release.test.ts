import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Printed, distance, program } from './projects/everyday.ts';
import { type Project, emptyProject, heedJSON, projectAt } from './projects/project.ts';

interface Verify {
  readonly backends: readonly {
    readonly name: string;
    readonly passed: number;
    readonly failed: number;
    readonly refused: number;
  }[];
}

const world = inject('world');

describe('npm create heed-backend', () => {
  let backend: Project;
  beforeAll(async () => {
    const author = emptyProject(world, 'author');
    await author.run('npm', 'create', '--yes', 'heed-backend', 'tiny');
    backend = projectAt(world, path.join(author.folder, 'heed-backend-tiny'));
    await backend.run('npm', 'install');
  });

  test('npm test is green from the start', async () => {
    await backend.run('npm', 'test');
  });

  test('heed verify: nothing fails, what is not declared is refused', async () => {
    await backend.run('npm', 'run', 'build');
    const { code, value } = await heedJSON<Verify>(backend, 'verify', './dist/index.js', '--clause', 'shape');
    expect(code).toBe(0);
    expect(value.backends).toMatchObject([{ name: 'tiny', failed: 0 }]);
    expect(value.backends[0]!.passed).toBeGreaterThan(0);
  });

  test('what it does not declare fails as soon as it is declared', async () => {
    const before = backend.read('src/capabilities.ts');
    backend.write('src/capabilities.ts', before.replace('features: []', "features: ['causal']"));
    await backend.run('npm', 'run', 'build');
    const { code, value } = await heedJSON<Verify>(
      backend,
      'verify',
      './dist/index.js',
      '--clause',
      'causal',
    );
    expect(code).toBe(1);
    expect(value.backends[0]!.failed).toBeGreaterThan(0);
    backend.write('src/capabilities.ts', before);
  });

  test('is published, installed by others, seen by doctor, and computes', async () => {
    await backend.run('npm', 'publish');
    const user = emptyProject(world, 'user');
    await user.run('npm', 'install', '@heed/core', '@heed/cli', 'heed-backend-tiny');
    const { value } = await heedJSON<{ backends: { specifier: string; status: string }[] }>(user, 'doctor');
    expect(value.backends).toContainEqual(
      expect.objectContaining({ specifier: 'heed-backend-tiny', status: 'available' }),
    );
    const plain = async (name: string): Promise<Printed> => {
      user.write('program.js', program(name).replace(', causal: true', ''));
      return JSON.parse((await user.run('node', 'program.js')).stdout) as Printed;
    };
    expect(distance(await plain('heed-backend-tiny'), await plain('@heed/core/reference'))).toBeLessThan(
      1e-5,
    );
  });
});
