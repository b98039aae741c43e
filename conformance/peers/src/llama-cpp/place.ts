import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { HeedError } from '@heed/core';
import { cacheFolder } from '../python/environment.ts';

/** Folder with ggml's headers and libraries, and the program that calls them; `provision` makes it. */
export const llamaCppFolder = (): string => path.join(cacheFolder(), 'peers-llama-cpp');

/** The program that answers the peer; `provision` compiles it last. */
export const programFile = (): string => path.join(llamaCppFolder(), 'attention');

export const isProvisioned = (): boolean => existsSync(programFile());

/**
 * Compiles a C program that calls ggml.
 *
 * @throws HeedError `UNAVAILABLE` with the compiler's own words.
 */
export function compileC(source: string, program: string): void {
  const folder = llamaCppFolder();
  const libraries = ['ggml', 'ggml-cpu', 'ggml-base'].map((name) => path.join(folder, `lib${name}.a`));
  const words = ['-O2', '-I', path.join(folder, 'include'), '-o', program, source, ...libraries];
  const { status, stderr, error } = spawnSync('gcc', [...words, '-lstdc++', '-lm', '-lpthread'], {
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new HeedError('UNAVAILABLE', `gcc cannot compile ${source}: ${error?.message ?? stderr.trim()}`, {
    remedy: 'install gcc, and run pnpm --filter @heed/peers provision llama-cpp',
  });
}
