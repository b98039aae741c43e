import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { targetName } from './target.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const read = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(at(path), 'utf8')) as Record<string, unknown>;
const own = read('package.json');
const names = Object.keys(own['optionalDependencies'] as object);
const { TARGETS } = (await import(at('scripts/build/targets.mjs'))) as { TARGETS: object };
const { manifestOf } = (await import(at('scripts/platforms/manifest.mjs'))) as {
  manifestOf: (target: string) => object;
};
const { faultsOf } = (await import(at('scripts/platforms/inspect.mjs'))) as {
  faultsOf: (file: string, target: string) => string[];
};

describe('the packages of platforms', () => {
  test('are what the backend depends on, in its own version', () => {
    expect(names).toEqual(
      Object.keys(TARGETS)
        .map((target) => `@heed/native-${target}`)
        .toSorted(),
    );
    expect(new Set(Object.values(own['optionalDependencies'] as object))).toEqual(new Set(['workspace:*']));
    expect(names).toContain(`@heed/native-${targetName()}`);
  });

  test.each(Object.keys(TARGETS))('%s has the manifest that `platforms --manifests` writes', (target) => {
    expect(read(`platforms/${target}/package.json`)).toEqual(manifestOf(target));
  });
});

const built = Object.keys(TARGETS).filter((target) => existsSync(at(`platforms/${target}/heed.node`)));

describe.runIf(built.length > 0)('files that are built', () => {
  test.each(built)('%s may be published', (target) => {
    expect(faultsOf(at(`platforms/${target}/heed.node`), target)).toEqual([]);
  });

  test.each(built)("%s is not another platform's", (target) => {
    const other = { x64: 'arm64', arm64: 'x64' }[/x64|arm64/.exec(target)![0]]!;
    const foreign = target.replace(/x64|arm64/, other);
    expect(faultsOf(at(`platforms/${target}/heed.node`), foreign)).toContainEqual(
      expect.stringMatching(/^it is for /),
    );
  });
});
