import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { load, loadBinding, loadFor } from './load.ts';

const missing = Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
/** A `require` that has these modules. */
const having =
  (modules: Record<string, unknown>) =>
  (name: string): unknown => {
    if (!(name in modules)) throw missing;
    if (modules[name] instanceof Error) throw modules[name];
    return modules[name];
  };

describe('the native file', () => {
  const published = { from: 'the package' };
  const built = { from: 'the workspace' };

  test("is that of the platform's package", () => {
    const modules = { '@heed/native-linux-x64': published, '../../build/heed.node': built };
    expect(load('linux-x64', having(modules))).toEqual({ binding: published });
  });

  test('is the one of the workspace where that package has none', () => {
    expect(load('linux-x64', having({ '../../build/heed.node': built }))).toEqual({ binding: built });
  });

  test('where there is none, the missing package is named, and the command that installs it', () => {
    expect(load('linux-arm64-musl', having({}))).toEqual({
      reason: expect.stringContaining('@heed/native-linux-arm64-musl is not installed') as string,
      remedy: expect.stringContaining('npm install @heed/native-linux-arm64-musl,') as string,
    });
  });

  test('of another version of the backend is refused: it may compute wrongly without an error', () => {
    const own = { '../../package.json': { name: '@heed/backend-native', version: '1.2.3' } };
    const file = (version: string): object => ({
      '@heed/native-linux-x64': published,
      '@heed/native-linux-x64/package.json': { name: '@heed/native-linux-x64', version },
    });
    expect(load('linux-x64', having({ ...own, ...file('1.2.4') }))).toEqual({
      reason: expect.stringContaining('@heed/native-linux-x64 has version 1.2.4') as string,
      remedy: 'run npm install @heed/native-linux-x64@1.2.3',
    });
    expect(load('linux-x64', having({ ...own, ...file('1.2.3') }))).toEqual({ binding: published });
    // In a bundle, the manifest there is another package's.
    const bundle = { '../../package.json': { name: 'website', version: '0.1.0' } };
    expect(load('linux-x64', having({ ...bundle, ...file('1.2.4') }))).toEqual({ binding: published });
    expect(load('linux-x64', having(own))).toMatchObject({
      remedy: expect.stringContaining('npm install @heed/native-linux-x64@1.2.3,') as string,
    });
  });

  test('is absent, and the reason told, where a program may not ask for its platform or load native files', () => {
    const refuse = (): never => {
      throw new Error('Requires sys access, run again with the --allow-sys flag');
    };
    expect(loadFor(refuse)).toEqual({
      reason: 'Requires sys access, run again with the --allow-sys flag',
      remedy: expect.stringContaining('deno --allow-ffi --allow-sys') as string,
    });
    const disabled = Object.assign(new Error('loading addons is disabled'), { code: 'ERR_DLOPEN_DISABLED' });
    expect(load('linux-x64', having({ '@heed/native-linux-x64': disabled }))).toMatchObject({
      remedy: expect.stringContaining('node --allow-addons') as string,
    });
  });

  test('that does not load is not replaced by another', () => {
    const broken = Object.assign(new Error('GLIBC_2.28 not found'), { code: 'ERR_DLOPEN_FAILED' });
    const modules = { '@heed/native-linux-x64': broken, '../../build/heed.node': built };
    expect(load('linux-x64', having(modules))).toMatchObject({ reason: 'GLIBC_2.28 not found' });
  });

  describe('in a checkout', () => {
    const checkout = { '../../scripts/build/fingerprint.cjs': { sourcesFingerprint: () => 'new' } };

    test('is loaded if it was built of the sources there', () => {
      const current = { sources: 'new' };
      expect(load('linux-x64', having({ ...checkout, '@heed/native-linux-x64': current }))).toEqual({
        binding: current,
      });
    });

    test.each(['@heed/native-linux-x64', '../../build/heed.node'])(
      'is refused if it was built of others: %s',
      (place) => {
        // Older files have no fingerprint.
        for (const sources of ['old', undefined]) {
          expect(load('linux-x64', having({ ...checkout, [place]: { sources } }))).toEqual({
            reason: `${place} was built of other C++ sources than those of this checkout`,
            remedy: 'run pnpm --filter @heed/backend-native provision',
          });
        }
      },
    );
  });

  test('has the fingerprint of the sources here', () => {
    const require = createRequire(import.meta.url);
    const { sourcesFingerprint } = require('../../scripts/build/fingerprint.cjs') as {
      sourcesFingerprint(): string;
    };
    const loaded = loadBinding();
    if ('binding' in loaded) expect(loaded.binding.sources).toBe(sourcesFingerprint());
    expect(sourcesFingerprint()).toMatch(/^[0-9a-f]{16}$/);
  });
});
