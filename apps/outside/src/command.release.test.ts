import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Project, emptyProject, heedJSON, projectAt } from './projects/project.ts';

interface Row {
  readonly specifier: string;
  readonly package: string;
  readonly status: string;
}
interface Doctor {
  readonly backends: readonly Row[];
  readonly absent: readonly { readonly name: string; readonly brings: string; readonly remedy: string }[];
}
interface Verify {
  readonly backends: readonly { readonly name: string; readonly passed: number; readonly failed: number }[];
}

const world = inject('world');
const everyday = projectAt(world, inject('everyday'));

/** Publishes a third party's backend, which only re-exports the reference under another name. */
async function publishThirdParty(name: string, keywords: readonly string[]): Promise<void> {
  const version = inject('packages').find(({ manifest }) => manifest.name === '@heed/core')!.manifest.version;
  const author = emptyProject(world, name, {
    private: false,
    keywords,
    exports: './index.js',
    peerDependencies: { '@heed/core': `^${version}` },
  });
  author.write(
    'index.js',
    `import base from '@heed/core/reference';\nexport default { ...base, name: '${name.slice('heed-backend-'.length)}' };\n`,
  );
  await author.run('npm', 'publish');
}

describe('in a project that installs the command', () => {
  let project: Project;
  beforeAll(async () => {
    await publishThirdParty('heed-backend-announced', ['heed-backend']);
    await publishThirdParty('heed-backend-quiet', []);
    project = emptyProject(world, 'command');
    await project.run(
      'npm',
      'install',
      '@heed/core',
      '@heed/cli',
      'heed-backend-announced',
      'heed-backend-quiet',
    );
  });

  test('doctor sees a third party by the keyword heed-backend, and our own', async () => {
    const { code, value } = await heedJSON<Doctor>(project, 'doctor');
    expect(code).toBe(0);
    const seen = value.backends.map((row) => [row.specifier, row.package, row.status]);
    expect(seen).toContainEqual(['heed-backend-announced', 'heed-backend-announced', 'available']);
    expect(seen).toContainEqual(['ts', '@heed/backend-ts', 'available']);
    expect(value.backends.map(({ specifier }) => specifier)).not.toContain('heed-backend-quiet');
  });

  test('doctor names what is not installed, what it would bring, and the command', async () => {
    const { value } = await heedJSON<Doctor>(project, 'doctor');
    expect(value.absent.map(({ name }) => name)).toEqual([
      'native',
      'webgpu',
      'gpujs',
      'tfjs-node',
      'cluster',
    ]);
    for (const { name, brings, remedy } of value.absent) {
      expect(remedy).toBe(`npm install @heed/backend-${name}`);
      expect(brings.length).toBeGreaterThan(10);
    }
    const { stdout } = await project.run('npx', 'heed', 'doctor');
    expect(stdout).toMatch(/Not installed:\n +native +C\+\+/);
  });

  test('doctor sees any by its name', async () => {
    const { code, value } = await heedJSON<Doctor>(project, 'doctor', 'heed-backend-quiet');
    expect(code).toBe(0);
    expect(value.backends).toMatchObject([{ package: 'heed-backend-quiet', status: 'available' }]);
  });

  test('bench measures third parties beside our own', async () => {
    const quick = [
      '--workload',
      'dense',
      '--lengths',
      '16',
      '--rounds',
      '1',
      '--turn',
      '1',
      '--threads',
      '1',
    ];
    const { code, value } = await heedJSON<{ rows: { contestant: string; status: string }[] }>(
      project,
      'bench',
      'heed-backend-quiet',
      'ts',
      ...quick,
    );
    expect(code).toBe(0);
    const rows = value.rows.map(({ contestant, status }) => [contestant, status]);
    expect(rows).toContainEqual(['heed-backend-quiet', 'measured']);
    expect(rows).toContainEqual(['@heed/backend-ts', 'measured']);
  });

  test('verify runs the suite on third parties and on our own', async () => {
    const names = ['heed-backend-quiet', 'ts'];
    const { code, value } = await heedJSON<Verify>(project, 'verify', ...names, '--clause', 'gqa');
    expect(code).toBe(0);
    expect(value.backends.map(({ failed }) => failed)).toEqual([0, 0]);
    for (const { passed } of value.backends) expect(passed).toBeGreaterThan(10);
  });
});

test('every package at once: doctor finds nothing broken', async () => {
  const { code, value } = await heedJSON<Doctor>(everyday, 'doctor');
  expect(code).toBe(0);
  expect(value.backends.filter(({ status }) => status === 'broken')).toEqual([]);
});
