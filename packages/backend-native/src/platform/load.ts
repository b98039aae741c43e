import { createRequire } from 'node:module';
import type { Binding } from './binding.ts';
import { targetName } from './target.ts';

/** The native file, or why there is none and what to do about it. */
export type Loaded = { readonly binding: Binding } | { readonly reason: string; readonly remedy: string };

const require = createRequire(import.meta.url);

let loaded: Loaded | null = null;

/** Loads the native file for this platform: that of its package, or else the one that the workspace has built. */
export function loadBinding(): Loaded {
  loaded ??= load(targetName(), require);
  return loaded;
}

/** @param from loads a module by its name; tests have it fail. */
export function load(target: string, from: (name: string) => unknown): Loaded {
  const name = `@heed/native-${target}`;
  for (const place of [name, '../../build/heed.node']) {
    try {
      return { binding: from(place) as Binding };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // What is there and does not load is not to be replaced by an older build.
      if (code !== 'MODULE_NOT_FOUND') return { reason: message, remedy: `install ${name} again` };
    }
  }
  return {
    reason: `there is no native file for ${target}: ${name} is not installed`,
    remedy: `run npm install ${name}; in a checkout, run pnpm --filter @heed/backend-native provision, which requires g++, clang++ or zig`,
  };
}
