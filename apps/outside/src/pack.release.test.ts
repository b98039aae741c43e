import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { workspacePackages } from './release/workspace.ts';
import { ROOT, run } from './run.ts';

const MADE = /\/(?:dist|embedded|\.turbo|\.reports|\.provisioned|\.blocks)(?:\/|$)/;

const packages = inject('packages');

test.each(packages.map(({ manifest }) => [manifest.name, manifest] as const))(
  '%s is built before it is packed',
  (_, { scripts }) => expect(scripts).toMatchObject({ prepack: 'npm run --silent build' }),
);

/** The first package of each way of building, and of each with a command: the others are built alike. */
const chosen = [
  ...new Map(
    packages.toReversed().map((one) => [`${one.manifest.scripts?.['build']} ${'bin' in one.manifest}`, one]),
  ).values(),
];

describe('a package that was not built is built when it is packed', () => {
  let copy: string;

  // Sources only; node_modules are links into the workspace, whose packages are already built.
  beforeAll(async () => {
    copy = mkdtempSync(path.join(inject('world').home, 'sources-'));
    for (const name of ['package.json', 'tsconfig.base.json', 'pnpm-workspace.yaml']) {
      cpSync(path.join(ROOT, name), path.join(copy, name));
    }
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));
    for (const { folder } of packages) {
      const from = path.join(ROOT, folder);
      const isSource = (file: string): boolean =>
        !MADE.test(file.slice(from.length)) && !file.includes('/node_modules');
      cpSync(from, path.join(copy, folder), { recursive: true, filter: isSource });
    }
    // What tests share lies in the folder of a published package.
    for (const { folder } of await workspacePackages()) {
      const to = path.join(copy, folder, 'node_modules');
      if (existsSync(path.dirname(to)) && !existsSync(to)) {
        symlinkSync(path.join(ROOT, folder, 'node_modules'), to);
      }
    }
    // A package that refers to heatmap compiles it, but does not make what it embeds.
    await run('node', ['scripts/embed.mjs'], { cwd: path.join(copy, 'packages/heatmap') });
  });

  test.each(chosen.map(({ manifest, folder }) => [manifest.name, folder, manifest] as const))(
    '%s',
    async (_, folder, { exports = {}, bin = {} }) => {
      // The previous package may have built it as a reference.
      for (const made of ['dist', 'embedded']) {
        rmSync(path.join(copy, folder, made), { recursive: true, force: true });
      }
      const words = ['pack', '--dry-run', '--json'];
      const { stdout } = await run('npm', words, { cwd: path.join(copy, folder) });
      const [packed] = JSON.parse(stdout) as [{ files: { path: string }[] }];
      const files = packed.files.map((file) => file.path);
      const named = [exports, bin]
        .flatMap(Object.values<unknown>)
        .flatMap((entry) =>
          typeof entry === 'string' ? [entry] : Object.values(entry as Record<string, string>),
        )
        // The files that match a pattern are unknown here.
        .filter((file) => !file.includes('*'))
        .map((file) => path.normalize(file));
      expect(files).toEqual(expect.arrayContaining(named));
      expect(files.some((file) => file.startsWith('dist/') && file.endsWith('.js'))).toBe(true);
    },
  );
});
