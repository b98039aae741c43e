import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBackend } from './create.ts';
import { backendName } from './name.ts';

function emptyFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'heed-create-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('a name', () => {
  test.each([
    ['tiny-gpu', 'tiny-gpu', 'heed-backend-tiny-gpu'],
    ['heed-backend-x1', 'x1', 'heed-backend-x1'],
    ['@me/tiny', 'tiny', '@me/heed-backend-tiny'],
    ['@me/heed-backend-tiny', 'tiny', '@me/heed-backend-tiny'],
  ])('%s', (text, name, packageName) => {
    expect(backendName(text)).toEqual({ name, packageName, folder: `heed-backend-${name}` });
  });

  test.each(['', 'Tiny', '../up', 'a b', "it's", '-x', '@me', '@me/', 'a/b', '$&', 'x'.repeat(101)])(
    '%j is none',
    (text) => {
      expect(backendName(text)).toBeNull();
    },
  );
});

describe('a new folder', () => {
  test('has a package of that name, with the versions that this one was released with', () => {
    const folder = emptyFolder();
    const files = createBackend(folder, backendName('@me/tiny')!);
    expect(files.sort()).toEqual(
      [
        '.gitignore',
        'README.md',
        'package.json',
        'src/backend.ts',
        'src/capabilities.ts',
        'src/conformance.test.ts',
        'src/forward/forward.ts',
        'src/index.ts',
        'src/options.ts',
        'src/provider.ts',
        'tsconfig.json',
      ].sort(),
    );
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    const own = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(manifest).toMatchObject({
      name: '@me/heed-backend-tiny',
      keywords: expect.arrayContaining(['heed-backend']),
      peerDependencies: { '@heed/core': own.devDependencies['@heed/core'] },
      devDependencies: own.devDependencies,
    });
    const all = files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
    expect(all).toContain("name: 'tiny'");
    expect(all).not.toMatch(/three-loops|range of/);
  });

  test('may have a name with that of the template in it', () => {
    const folder = emptyFolder();
    const files = createBackend(folder, backendName('@three-loops/not-three-loops')!);
    const all = files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('\n');
    expect(all).toContain("name: 'not-three-loops'");
    expect(all).toContain('"name": "@three-loops/heed-backend-not-three-loops"');
    expect(all).not.toContain('not-not');
  });

  test.runIf(process.platform === 'linux')('is not made where not even root can create one', () => {
    expect(() => createBackend('/proc/tiny', backendName('tiny')!)).toThrow('/proc/tiny');
  });

  test('is never one that has something in it', () => {
    const folder = emptyFolder();
    writeFileSync(path.join(folder, 'mine.txt'), 'mine');
    expect(() => createBackend(folder, backendName('tiny')!)).toThrow('is not empty');
    expect(existsSync(path.join(folder, 'package.json'))).toBe(false);
  });
});
