import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Binding } from './binding.ts';
import { targetName } from './target.ts';

/** The native file, or why there is none and what to do about it. */
export type Loaded = { readonly binding: Binding } | { readonly reason: string; readonly remedy: string };

const require = createRequire(import.meta.url);

let loaded: Loaded | null = null;

/** Loads the native file for this platform: that of its package, or the one that the workspace has built. */
export function loadBinding(): Loaded {
  loaded ??= load();
  return loaded;
}

function load(): Loaded {
  const target = targetName();
  const name = `@heed/native-${target}`;
  const built = fileURLToPath(new URL('../../build/heed.node', import.meta.url));
  const path = existsSync(built) ? built : name;
  try {
    return { binding: require(path) as Binding };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'MODULE_NOT_FOUND';
    return {
      reason: isMissing ? `there is no native file for ${target}: ${name} is not installed` : message,
      remedy: `run npm install ${name}; in a checkout, run pnpm --filter @heed/backend-native provision, which requires g++, clang++ or zig`,
    };
  }
}
