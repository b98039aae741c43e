import { describe, expect, test } from 'vitest';
import { load } from './load.ts';

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
      remedy: expect.stringContaining('npm install @heed/native-linux-arm64-musl;') as string,
    });
  });

  test('that does not load is not replaced by another', () => {
    const broken = Object.assign(new Error('GLIBC_2.28 not found'), { code: 'ERR_DLOPEN_FAILED' });
    const modules = { '@heed/native-linux-x64': broken, '../../build/heed.node': built };
    expect(load('linux-x64', having(modules))).toMatchObject({ reason: 'GLIBC_2.28 not found' });
  });
});
