import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HeedError } from '@heed/core';
import { resolve } from 'import-meta-resolve';

/** A named backend, and its module. */
export interface Located {
  /** Name as given. */
  readonly name: string;
  /** URL of the module whose default export is the provider. */
  readonly url: string;
  /** Name of the package; null if the module is a file outside any package. */
  readonly package: string | null;
  readonly version: string | null;
}

/**
 * Finds the module of a backend: a path, a package name, or a short name (`ts` is `@heed/backend-ts`, `reference` is
 * `@heed/core/reference`, `peers/torch-sdpa` is
 * `@heed/peers/torch-sdpa`). The current folder's packages come before those of the command itself.
 *
 * @throws HeedError `ARGUMENT` if the module does not exist.
 */
export function locate(name: string): Located {
  const url = tryLocate(name);
  if (url !== null) return { name, url, ...packageOf(url) };
  if (isPath(name)) {
    throw new HeedError('ARGUMENT', `cannot find the file ${name}`, {
      remedy: 'give the path of a module whose default export is a backend provider',
    });
  }
  const specifiers = specifiersOf(name);
  throw new HeedError('ARGUMENT', `${specifiers.join(' or ')} is not installed`, {
    remedy: 'install it, or give another package name or a path; `heed doctor` lists what is installed',
  });
}

/** Returns whether {@link locate} finds the backend. */
export function isInstalled(name: string): boolean {
  return tryLocate(name) !== null;
}

/** The package that a short name stands for, or the name itself. */
function specifiersOf(name: string): string[] {
  if (name === 'reference') return ['@heed/core/reference'];
  if (/^peers\/[a-z0-9-]+$/.test(name)) return [`@heed/${name}`];
  return /^[a-z0-9][a-z0-9-]*$/.test(name) ? [`@heed/backend-${name}`, name] : [name];
}

function isPath(name: string): boolean {
  return name.startsWith('.') || path.isAbsolute(name) || name.startsWith('file:');
}

function tryLocate(name: string): string | null {
  if (isPath(name)) {
    const url = name.startsWith('file:') ? name : pathToFileURL(path.resolve(name)).href;
    return existsSync(fileURLToPath(url)) ? url : null;
  }
  const parents = [pathToFileURL(path.resolve('heed')).href, import.meta.url];
  for (const parent of parents) {
    for (const specifier of specifiersOf(name)) {
      try {
        const url = resolve(specifier, parent);
        // A short name may be that of one of Node's own modules, such as `cluster`.
        if (url.startsWith('file:')) return url;
      } catch {
        continue;
      }
    }
  }
  return null;
}

function packageOf(url: string): { package: string | null; version: string | null } {
  let folder = path.dirname(fileURLToPath(url));
  for (;;) {
    const manifest = readManifest(path.join(folder, 'package.json'));
    if (manifest?.name !== undefined) return { package: manifest.name, version: manifest.version ?? null };
    const parent = path.dirname(folder);
    if (parent === folder) return { package: null, version: null };
    folder = parent;
  }
}

/** Fields of a package.json that are used here. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly keywords?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Reads a package.json; null if it cannot. */
export function readManifest(file: string): Manifest | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch {
    return null;
  }
}
