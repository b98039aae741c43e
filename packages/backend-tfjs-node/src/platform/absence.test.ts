import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstAvailable } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { tfjsNodeProvider } from '../provider.ts';

const failing = (code: string, message: string) =>
  tfjsNodeProvider({ load: () => Promise.reject(Object.assign(new Error(message), { code })) });

const notInstalled = failing(
  'ERR_MODULE_NOT_FOUND',
  "Cannot find package '@tensorflow/tfjs-node' imported from /somewhere/engine.js",
);

/** With --ignore-scripts, or npm takes the package back where its installer fails. */
const INSTALL = /^npm install --ignore-scripts @tensorflow\/tfjs-node && node ".*provision\.mjs"$/;

describe('without its engine', () => {
  test('the backend is not available, and says what to install', async () => {
    expect(await notInstalled.probe()).toEqual({
      available: false,
      reason: '@tensorflow/tfjs-node is not installed',
      remedy: expect.stringMatching(INSTALL),
    });
    await expect(notInstalled.create()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      remedy: expect.stringMatching(INSTALL),
    });
  });

  test('the next provider is taken', async () => {
    const { backend, skipped } = await firstAvailable([notInstalled, reference]);
    expect(backend.name).toBe('reference');
    expect(skipped).toMatchObject([{ name: 'tfjs-node', remedy: expect.stringMatching(INSTALL) }]);
  });

  test.for([
    [
      'no native library',
      '',
      'The Node.js native addon module (tfjs_binding.node) can not be found at path: …',
    ],
    ['no shared library', 'ERR_DLOPEN_FAILED', 'libtensorflow_cc.so.2: cannot open shared object file'],
  ] as const)('%s: the remedy provisions it', async ([, code, message]) => {
    const availability = await failing(code, message).probe();
    if (availability.available) throw new Error('it is available');
    expect(availability.reason).toContain('native library');
    const [, script] = /^node "(.+)"$/.exec(availability.remedy) ?? [];
    expect(readFileSync(script!, 'utf8')).toContain('Gives @tensorflow/tfjs-node its native library');
  });

  test('an engine that has not registered its backend counts as absent', async () => {
    const load = async () => ({ findBackend: () => null });
    expect(await tfjsNodeProvider({ load }).probe()).toMatchObject({ available: false });
  });

  test('importing the package works all the same: a copy of it where the engine is not installed', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'heed-absent-'));
    try {
      const own = path.resolve(import.meta.dirname, '../..');
      mkdirSync(path.join(folder, 'node_modules', '@heed'), { recursive: true });
      symlinkSync(
        realpathSync(path.join(own, '../core')),
        path.join(folder, 'node_modules', '@heed', 'core'),
        'junction',
      );
      cpSync(path.join(own, 'dist'), path.join(folder, 'dist'), { recursive: true });
      writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
      const program =
        "const { default: p } = await import('./dist/index.js'); console.log(JSON.stringify(await p.probe()))";
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(JSON.parse(stdout)).toMatchObject({
        available: false,
        remedy: expect.stringMatching(INSTALL),
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
