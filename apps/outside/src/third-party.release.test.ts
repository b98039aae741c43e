import { cpSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Printed, distance, program } from './projects/everyday.ts';
import { type Project, emptyProject, heedJSON, projectAt } from './projects/project.ts';

interface Report {
  readonly conforms: boolean;
  readonly backend: { readonly name: string; readonly package: string };
  readonly summary: { readonly passed: number; readonly failed: number; readonly refused: number };
}

const NAME = 'heed-backend-onnxruntime-web';
const world = inject('world');

// It is not a package of the workspace: a third party installs, compiles and publishes it.
describe("a third party's backend, on ONNX Runtime", () => {
  let author: Project;
  beforeAll(async () => {
    const folder = path.join(world.home, NAME);
    const from = path.resolve(import.meta.dirname, '../third-party-onnx');
    const filter = (file: string): boolean => !/\/(?:node_modules|dist|package-lock\.json)$/.test(file);
    cpSync(from, folder, { recursive: true, filter });
    author = projectAt(world, folder);
    await author.run('npm', 'install');
  });

  test('passes all that it declares, and refuses the rest; its report says so', async () => {
    await author.run('npm', 'run', 'verify', '--', '--report', 'report');
    const report = JSON.parse(author.read('report/onnxruntime-web.json')) as Report;
    expect(report).toMatchObject({
      conforms: true,
      backend: { name: 'onnxruntime-web', package: NAME },
      summary: { failed: 0 },
    });
    expect(report.summary.passed).toBeGreaterThan(500);
    expect(report.summary.refused).toBeGreaterThan(500);
    expect(author.read('report/onnxruntime-web.svg')).toContain(`heed: ${report.summary.passed} passed"`);
  });

  test('is installed by its name, found by its keyword, and exchanged by one import', async () => {
    await author.run('npm', 'publish');
    const user = emptyProject(world, 'onnx-user');
    await user.run('npm', 'install', '@heed/core', '@heed/cli', NAME);
    const { value } = await heedJSON<{ backends: { specifier: string; status: string }[] }>(user, 'doctor');
    expect(value.backends).toContainEqual(expect.objectContaining({ specifier: NAME, status: 'available' }));
    const printed = async (backend: string): Promise<Printed> => {
      user.write('program.js', program(backend));
      return JSON.parse((await user.run('node', 'program.js')).stdout) as Printed;
    };
    expect(distance(await printed(NAME), await printed('@heed/core/reference'))).toBeLessThan(1e-5);
  });
});
