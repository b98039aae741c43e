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
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const OWN = path.resolve(import.meta.dirname, '..');

/** A copy of the built package in a folder where only the packages that a test links are installed. */
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'heed-absent-'));
  cpSync(path.join(OWN, 'dist'), path.join(folder, 'dist'), { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  link('@heed/core', path.join(OWN, '../core'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function link(name: string, place: string): void {
  const target = path.join(folder, 'node_modules', name);
  mkdirSync(path.dirname(target), { recursive: true });
  symlinkSync(realpathSync(place), target, 'junction');
}

/** Parsed JSON that a program prints; the program has imported the provider as `gpujs`. */
function outcomeOf(program: string): unknown {
  const whole = `
    import gpujs from './dist/index.js';
    import reference from '@heed/core/reference';
    import { firstAvailable } from '@heed/core';
    const said = ({ code, reason, remedy }) => ({ code, reason, remedy });
    const print = (value) => console.log(JSON.stringify(value));
    ${program}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', whole], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test('webgpu, 132 MB, is not asked for: npm takes even an optional peer that gpu.js depends on', () => {
  const manifest = JSON.parse(readFileSync(path.join(OWN, 'package.json'), 'utf8')) as {
    dependencies?: object;
    peerDependencies: object;
  };
  expect(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })).toEqual([
    '@heed/core',
    'gpu.js',
  ]);
});

describe('where gpu.js is not installed', () => {
  const absence = { reason: 'gpu.js is not installed', remedy: 'npm install gpu.js' };

  test('the backend is unavailable and says what to install', () => {
    expect(outcomeOf('print(await gpujs.probe())')).toEqual({ available: false, ...absence });
    expect(outcomeOf('await gpujs.create().catch((error) => print(said(error)))')).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'gpu.js is not installed',
      remedy: 'npm install gpu.js',
    });
  });

  test('the next provider is taken', () => {
    const program = `
      const { backend, skipped } = await firstAvailable([gpujs, reference]);
      print({ name: backend.name, skipped });`;
    expect(outcomeOf(program)).toMatchObject({
      name: 'reference',
      skipped: [{ name: 'gpujs', ...absence }],
    });
  });
});

describe('where gpu.js is installed and webgpu is not', () => {
  beforeEach(() => link('gpu.js', path.join(OWN, 'node_modules/gpu.js')));

  test('asking for WebGPU says what to install', () => {
    const program = "await gpujs.create({ mode: 'webgpu' }).catch((error) => print(said(error)))";
    expect(outcomeOf(program)).toMatchObject({ code: 'UNAVAILABLE', remedy: 'npm install webgpu@0.6' });
  });

  test('the other modes work', () => {
    expect(outcomeOf('print(await gpujs.probe())')).toEqual({ available: true });
    const program = 'const backend = await gpujs.create(); print(backend.device); await backend.dispose();';
    expect(outcomeOf(program)).toBe('gpu.js webasm simd128, 1 thread');
  });
});
