import { cpSync, mkdtempSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { BUNDLERS, BUNDLER_PACKAGES, bundle } from './projects/bundlers.ts';
import { type Project, emptyProject, heedJSON, projectAt } from './projects/project.ts';
import { platform } from './release/workspace.ts';

const world = inject('world');
const project = projectAt(world, inject('everyday'));

test("npm installs this platform's native file with its backend, and no other", () => {
  const installed = readdirSync(path.join(project.folder, 'node_modules/@heed'));
  expect(installed.filter((name) => name.startsWith('native-'))).toEqual([`native-${platform}`]);
  expect(readdirSync(path.join(project.folder, `node_modules/@heed/native-${platform}`))).toContain(
    'heed.node',
  );
});

test('the backend computes with it', async () => {
  const { value } = await heedJSON<{
    backends: [{ status: string; device: string; reason: string; remedy: string }];
  }>(project, 'doctor', 'native');
  // `reason` says why where it is not available.
  expect(value.backends[0]).toMatchObject({
    status: 'available',
    reason: null,
    device: expect.stringMatching(/^native /) as string,
  });
});

describe('a bundle', () => {
  let bundles: Project;
  beforeAll(async () => {
    bundles = emptyProject(world, 'native');
    await bundles.run('npm', 'install', '@heed/core', '@heed/backend-native', ...BUNDLER_PACKAGES);
    bundles.write(
      'program.js',
      `import native from '@heed/backend-native';
native.probe().then((availability) => console.log(JSON.stringify(availability)));
`,
    );
  });

  test.each(Object.entries(BUNDLERS))(
    'of %s finds the native file in node_modules beside it, and says how where there is none',
    async (name, { file }) => {
      await bundle(bundles, name);
      const out = path.join('out', name);
      expect(JSON.parse((await bundles.run('node', path.join(out, file))).stdout)).toEqual({
        available: true,
      });

      const nowhere = projectAt(world, mkdtempSync(path.join(world.home, 'native-')));
      cpSync(path.join(bundles.folder, out), nowhere.folder, { recursive: true });
      const alone = JSON.parse((await nowhere.run('node', file)).stdout) as object;
      // webpack writes down where the sources lay, and that folder is still there.
      if (name === 'webpack') expect(alone).toEqual({ available: true });
      else {
        expect(alone).toMatchObject({
          available: false,
          remedy: expect.stringContaining('keep it in node_modules beside the program') as string,
        });
      }
    },
  );
});
