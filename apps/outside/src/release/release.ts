import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { World } from '../projects/project.ts';
import { ROOT, run, strangersEnvironment } from '../run.ts';
import { type PublicPackage, platform, publicPackages, workspacePackages } from './workspace.ts';

/** A copy of the workspace for trying a release, which changes its versions and changelogs instead of ours. */
export interface Copy {
  readonly folder: string;
}

/** Files that a release needs besides the published packages. */
const ROOT_FILES = ['package.json', 'pnpm-workspace.yaml', '.changeset', 'LICENSE'];

/** Copies the committed files of a release, and the built ones. */
export async function copyWorkspace(folder: string, packages: readonly PublicPackage[]): Promise<Copy> {
  mkdirSync(folder, { recursive: true });
  for (const name of ROOT_FILES) cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  const filter = (file: string): boolean =>
    !/\/(?:node_modules|\.turbo|\.reports|\.provisioned)(?:\/|$)/.test(file);
  for (const { folder: at } of packages) {
    cpSync(path.join(ROOT, at), path.join(folder, at), { recursive: true, filter });
  }
  copyNativeFile(path.join(folder, NATIVE));
  await linkDependencies(folder, packages);
  // changesets looks for its own configuration's changelog module from here.
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  return { folder };
}

const NATIVE = 'packages/backend-native';

/**
 * Puts the file that this machine's compiler built into the package of its platform, where `platforms` has not built the published one:
 * zig takes minutes, and is tried by the release itself.
 */
function copyNativeFile(folder: string): void {
  const file = path.join(folder, 'platforms', platform, 'heed.node');
  if (!existsSync(file)) cpSync(path.join(ROOT, NATIVE, 'build/heed.node'), file);
}

/** Links dependencies: node_modules resolves `workspace:` ranges. What tests share is not published, and stays where it is. */
async function linkDependencies(folder: string, packages: readonly PublicPackage[]): Promise<void> {
  const shared = (await workspacePackages()).filter(({ manifest }) => manifest.private === true);
  const targets = [
    ...packages.map(({ folder: target, manifest }) => [manifest.name, path.join(folder, target)] as const),
    ...shared.map(({ folder: target, manifest }) => [manifest.name, path.join(ROOT, target)] as const),
  ];
  for (const { folder: at } of packages) {
    for (const [name, target] of targets) {
      const link = path.join(folder, at, 'node_modules', name);
      mkdirSync(path.dirname(link), { recursive: true });
      symlinkSync(target, link);
    }
  }
}

/** Updates versions and changelogs from the changesets, and returns the updated packages. */
export async function version({ folder }: Copy): Promise<PublicPackage[]> {
  const changeset = createRequire(path.join(ROOT, 'package.json')).resolve('@changesets/cli/bin.js');
  await run(process.execPath, [changeset, 'version'], { cwd: folder });
  return publicPackages(folder);
}

/** Publishes every package that the registry does not have in this version. */
export async function publish({ folder }: Copy, { home, registry }: World, tag = 'latest'): Promise<void> {
  const env = strangersEnvironment(registry, home);
  const words = ['--recursive', 'publish', '--registry', registry, '--tag', tag];
  // More than twenty packages, one after another.
  const options = { cwd: folder, env, limitSeconds: 900 };
  await run('pnpm', [...words, '--no-git-checks', '--ignore-scripts'], options);
}
