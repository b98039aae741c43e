// Bundlers that know `createRequire` by this name replace the function that it makes by one which finds nothing.
import * as modules from 'node:module';
import type { Binding } from './binding.ts';
import { targetName } from './target.ts';

/** The native file, or the reason that there is none with a remedy. */
export type Loaded = { readonly binding: Binding } | { readonly reason: string; readonly remedy: string };

/** Loads a module by its name. */
type Require = (name: string) => unknown;

const OWN = '@heed/backend-native';

/** Remedy where a program may not do what loading takes. */
const ALLOW =
  'let the program load native files: node --allow-addons, deno --allow-ffi --allow-sys --allow-read';

/** The module that knows the fingerprint of the sources, in a checkout. */
const FINGERPRINT = '../../scripts/build/fingerprint.cjs';

let loaded: Loaded | null = null;

/** Loads the native file for this platform: that of its package, or else the workspace's own build. */
export function loadBinding(): Loaded {
  loaded ??= loadFor(targetName);
  return loaded;
}

/** @param target names the platform; throws where the program may not ask for it. */
export function loadFor(target: () => string): Loaded {
  try {
    return load(target(), modules.createRequire(thisFile()));
  } catch (error) {
    return { reason: (error as Error).message, remedy: ALLOW };
  }
}

/** This file, or the bundle that it is part of: CommonJS has no `import.meta`. */
function thisFile(): string {
  return (import.meta.url as string | undefined) ?? __filename;
}

/** @param from in tests it may fail. */
export function load(target: string, from: Require): Loaded {
  const name = `@heed/native-${target}`;
  const version = versionOf(OWN, from);
  const install = `run npm install ${name}${version === null ? '' : `@${version}`}`;
  for (const place of [name, '../../build/heed.node']) {
    try {
      const binding = from(place) as Binding;
      if (isStale(binding, from)) return stale(place);
      const other = place === name ? versionOf(name, from) : null;
      if (version === null || other === null || version === other) return { binding };
      return { reason: `${name} has version ${other}; ${OWN} ${version} requires its own`, remedy: install };
    } catch (error) {
      const { code, message: reason } = error as NodeJS.ErrnoException;
      // An installed file that does not load must not be replaced by an older build.
      if (code === 'ERR_DLOPEN_FAILED') return { reason, remedy: `install ${name} again` };
      if (code !== 'MODULE_NOT_FOUND') return { reason, remedy: ALLOW };
    }
  }
  return {
    reason: `cannot find the native file for ${target}: ${name} is not installed, or a bundle was moved away from it`,
    remedy: `${install}, and keep it in node_modules beside the program; in a checkout, run pnpm --filter ${OWN} provision, which requires g++, clang++ or zig`,
  };
}

/** Returns the version of a package, or null where it cannot be known: a bundle has no manifest of its own. */
function versionOf(name: string, from: Require): string | null {
  try {
    const manifest = from(`${name === OWN ? '../..' : name}/package.json`) as Record<
      'name' | 'version',
      string
    >;
    return manifest.name === name ? manifest.version : null;
  } catch {
    return null;
  }
}

/**
 * Returns whether the file was built of other sources than those of this checkout: it would compute wrongly without an error. A
 * published package has no sources; npm installs the file of its own version.
 */
function isStale({ sources }: Binding, from: Require): boolean {
  try {
    const { sourcesFingerprint } = from(FINGERPRINT) as { sourcesFingerprint(): string };
    return sources !== sourcesFingerprint();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return false;
    throw error;
  }
}

function stale(place: string): Loaded {
  return {
    reason: `${place} was built of other C++ sources than those of this checkout`,
    remedy: `run pnpm --filter ${OWN} provision`,
  };
}
