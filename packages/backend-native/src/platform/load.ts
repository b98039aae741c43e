import { createRequire } from 'node:module';
import type { Binding } from './binding.ts';
import { targetName } from './target.ts';

/** The native file, or the reason that there is none with a remedy. */
export type Loaded = { readonly binding: Binding } | { readonly reason: string; readonly remedy: string };

const require = createRequire(import.meta.url);

/** The module that knows the fingerprint of the sources, in a checkout. */
const FINGERPRINT = '../../scripts/build/fingerprint.cjs';

let loaded: Loaded | null = null;

/** Loads the native file for this platform: that of its package, or else the workspace's own build. */
export function loadBinding(): Loaded {
  loaded ??= load(targetName(), require);
  return loaded;
}

/** @param from loads a module by its name; in tests it may fail. */
export function load(target: string, from: (name: string) => unknown): Loaded {
  const name = `@heed/native-${target}`;
  for (const place of [name, '../../build/heed.node']) {
    try {
      const binding = from(place) as Binding;
      return isStale(binding, from) ? stale(place) : { binding };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // An installed file that does not load must not be replaced by an older build.
      if (code !== 'MODULE_NOT_FOUND') return { reason: message, remedy: `install ${name} again` };
    }
  }
  return {
    reason: `cannot find the native file for ${target}: ${name} is not installed`,
    remedy: `run npm install ${name}; in a checkout, run pnpm --filter @heed/backend-native provision, which requires g++, clang++ or zig`,
  };
}

/**
 * Returns whether the file was built of other sources than those of this checkout: it would compute wrongly without an error. A
 * published package has no sources; npm installs the file of its own version.
 */
function isStale({ sources }: Binding, from: (name: string) => unknown): boolean {
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
    remedy: 'run pnpm --filter @heed/backend-native provision',
  };
}
