import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// One configuration for every package: each runs it with its own folder as the root.
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    // Where there are two cores, files of tests run two at a time; by default one core would be left idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', 'json'],
    outputFile: { json: '.reports/vitest.json' },
  },
});
