import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

/**
 * Files of tests by mode (`vitest run --mode …`). Names say what is left out of `test`: `.release.test.ts` for what is
 * too slow before each commit, `.whole.test.ts` for what is too slow in CI. `release` runs what `test` leaves out; any other mode, `whole`
 * say, runs everything.
 */
const FILES: Readonly<Record<string, { readonly include: string[]; readonly exclude: string[] }>> = {
  test: { include: ['**/*.test.ts'], exclude: ['**/*.{release,whole}.test.ts'] },
  release: { include: ['**/*.release.test.ts'], exclude: [] },
};
const EVERYTHING = { include: ['**/*.test.ts'], exclude: [] };

// One configuration for every package: each runs it with its own folder as the root.
export default defineConfig(({ mode }) => {
  const { include, exclude } = FILES[mode] ?? EVERYTHING;
  return {
    test: {
      include,
      exclude: [...configDefaults.exclude, ...exclude],
      setupFiles: [fileURLToPath(new URL('vitest.setup.ts', import.meta.url))],
      // `.ci/test.mjs` runs packages side by side. Here, with two cores, two files; by default one core would be left idle.
      maxWorkers: Number(process.env['HEED_TEST_WORKERS'] ?? Math.max(2, availableParallelism() - 1)),
      testTimeout: 120_000,
      hookTimeout: 120_000,
      reporters: ['default', 'json'],
      outputFile: { json: `.reports/${mode}.json` },
    },
  };
});
