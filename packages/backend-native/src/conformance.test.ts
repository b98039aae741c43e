import { allCases, conformance } from '@heed/conformance';
import { withOptions } from '@heed/core';
import { describe, test } from 'vitest';
import native from './index.ts';
import type { NativeOptions } from './options.ts';
import { loadBinding } from './platform/load.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [undefined];

// For all combinations the same objects: what results are compared with is kept with the case.
const cases = await allCases();

for (const level of levels as NativeOptions['level'][]) {
  for (const threads of [1, 2]) {
    const runner = {
      describe(name: string, define: () => void): void {
        describe(`${level}, ${threads} threads: ${name}`, () => {
          define();
        });
      },
      test,
    };
    const options = level === undefined ? { threads } : { threads, level };
    await conformance(withOptions(native, options), runner, { cases });
  }
}
