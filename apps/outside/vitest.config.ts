import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

export default defineConfig((env) =>
  mergeConfig(
    shared(env),
    defineConfig({
      test: {
        globalSetup: 'src/release/setup.ts',
        // Files share the registry and the installed projects: in parallel they would only wait for each other.
        fileParallelism: false,
        hookTimeout: 240_000,
      },
    }),
  ),
);
