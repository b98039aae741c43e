import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { isSelfContained } from '../projects/everyday.ts';
import { type World, emptyProject } from '../projects/project.ts';
import { type Registry, startRegistry } from './registry.ts';
import { copyWorkspace, publish, version } from './release.ts';
import { type PublicPackage, build, isPlatformFile, publicPackages } from './workspace.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    world: World;
    /** The copy of the workspace that the packages were published from. */
    copy: string;
    packages: readonly PublicPackage[];
    /** Packages that are one file for one platform. */
    platformFiles: readonly PublicPackage[];
    /** A project in which `npm install` has installed every package that works by itself. */
    everyday: string;
  }
}

/**
 * Tries a whole release once for all tests: builds, updates versions, publishes to a registry that ends with the tests,
 * and installs from it in an empty folder.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = mkdtempSync(path.join(tmpdir(), 'heed-outside-'));
  let registry: Registry | null = null;
  const end = async (): Promise<void> => {
    await registry?.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const workspace = await publicPackages();
    await build(workspace);
    const copy = await copyWorkspace(path.join(home, 'release'), workspace);
    const released = await version(copy);
    const packages = released.filter((entry) => !isPlatformFile(entry));
    const names = released.map(({ manifest }) => manifest.name);
    registry = await startRegistry(path.join(home, 'registry'), names);
    const world = { home, registry: registry.url };
    // Everybody may publish, but needs a token.
    writeFileSync(path.join(home, '.npmrc'), `//${new URL(registry.url).host}/:_authToken=anybody\n`);
    await publish(copy, world);

    const everyday = emptyProject(world, 'everyday');
    const installed = packages.filter(isSelfContained).map(({ manifest }) => manifest.name);
    await everyday.run('npm', 'install', ...installed);

    project.provide('world', world);
    project.provide('copy', copy.folder);
    project.provide('packages', packages);
    project.provide('platformFiles', released.filter(isPlatformFile));
    project.provide('everyday', everyday.folder);
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}
