import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Printed, program } from './projects/everyday.ts';
import { emptyProject } from './projects/project.ts';
import { type Copy, publish, version } from './release/release.ts';
import type { PublicPackage } from './release/workspace.ts';

const world = inject('world');
const packages = inject('packages');
const versionOf = (all: readonly PublicPackage[], name: string): string =>
  all.find(({ manifest }) => manifest.name === name)!.manifest.version;

describe('the next release', () => {
  test.each([...packages, ...inject('platformFiles')].map((entry) => [entry.manifest.name, entry] as const))(
    '%s has a version of at least 1.0.0 and a changelog that says why',
    (_, { manifest, folder }) => {
      expect(Number(manifest.version.split('.')[0])).toBeGreaterThanOrEqual(1);
      const changelog = readFileSync(path.join(inject('copy'), folder, 'CHANGELOG.md'), 'utf8');
      expect(changelog).toContain(`## ${manifest.version}`);
      expect(changelog).toMatch(/^- (?!Updated dependencies).{20}/m);
    },
  );
});

test("files of platforms have their backend's version", () => {
  const versions = inject('platformFiles').map(({ manifest }) => manifest.version);
  expect(versions.length).toBeGreaterThan(1);
  expect(new Set(versions)).toEqual(new Set([versionOf(packages, '@heed/backend-native')]));
});

describe('a later minor release of core', () => {
  let later: readonly PublicPackage[];
  const before = versionOf(packages, '@heed/core');

  beforeAll(async () => {
    const copy: Copy = { folder: path.join(world.home, 'later') };
    cpSync(inject('copy'), copy.folder, { recursive: true, verbatimSymlinks: true });
    writeFileSync(
      path.join(copy.folder, '.changeset/later.md'),
      "---\n'@heed/core': minor\n---\n\nCore can do more.\n",
    );
    later = await version(copy);
    await publish(copy, world, 'next');
  });

  test('has a new version, and no backend needs one', () => {
    expect(versionOf(later, '@heed/core')).not.toBe(before);
    const peers = later.filter(({ manifest }) => manifest.peerDependencies?.['@heed/core'] !== undefined);
    expect(peers.length).toBeGreaterThan(3);
    for (const { manifest } of peers) expect(manifest.version).toBe(versionOf(packages, manifest.name));
  });

  test('is installed beside a backend of the release before, and works with it', async () => {
    const project = emptyProject(world, 'mixed');
    await project.run('npm', 'install', '--strict-peer-deps', '@heed/core@next', '@heed/backend-ts@latest');
    const installed = JSON.parse(project.read('node_modules/@heed/core/package.json')) as { version: string };
    expect(installed.version).toBe(versionOf(later, '@heed/core'));
    expect(() => project.read('node_modules/@heed/backend-ts/node_modules/@heed/core/package.json')).toThrow(
      'ENOENT',
    );
    project.write('program.js', program('@heed/backend-ts'));
    const printed = JSON.parse((await project.run('node', 'program.js')).stdout) as Printed;
    expect(printed.output).toHaveLength(96);
  });
});
