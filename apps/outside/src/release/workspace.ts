import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, run, stdoutOf } from '../run.ts';

/** The fields of a package.json that matter here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly keywords?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly publishConfig?: { readonly os?: readonly string[] };
}

/** This machine's platform as packages of files name it. */
export const platform = `${process.platform}-${process.arch}`;

/** A package of the workspace. */
export interface WorkspacePackage {
  /** Relative to the root of the workspace. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** A package of the workspace that is published. */
export type PublicPackage = WorkspacePackage;

/** Returns whether a package is one file for one platform, which another package depends on. */
export function isPlatformFile({ manifest }: PublicPackage): boolean {
  return manifest.publishConfig?.os !== undefined;
}

/** Returns every package of a workspace that is not private. */
export async function publicPackages(root: string = ROOT): Promise<PublicPackage[]> {
  return (await workspacePackages(root)).filter(({ manifest }) => manifest.private !== true);
}

/** Returns every package of a workspace. */
export async function workspacePackages(root: string = ROOT): Promise<WorkspacePackage[]> {
  const listed = JSON.parse(
    await stdoutOf('pnpm', ['list', '--recursive', '--depth=-1', '--json'], { cwd: root }),
  ) as {
    readonly path: string;
  }[];
  return listed.map((entry) => ({
    folder: path.relative(root, entry.path),
    manifest: JSON.parse(readFileSync(path.join(entry.path, 'package.json'), 'utf8')) as Manifest,
  }));
}

/** Builds the published packages, and this machine's native file, with its own compiler. Only checks what is already built. */
export async function build(packages: readonly PublicPackage[]): Promise<void> {
  const compiled = packages.filter((entry) => !isPlatformFile(entry));
  const filters = compiled.map(({ manifest }) => `--filter=${manifest.name}`);
  await run('pnpm', ['exec', 'turbo', 'run', 'build', ...filters, '--output-logs=errors-only'], {
    cwd: ROOT,
  });
  const native = ['--filter', '@heed/backend-native'];
  await run('pnpm', [...native, 'platforms', '--manifests', platform], { cwd: ROOT });
  await run('pnpm', [...native, 'run', 'provision'], { cwd: ROOT, limitSeconds: 900 });
}
