import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Verdict } from '../test/verdict.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/test/verify-here.js', import.meta.url));

test.skipIf(process.arch !== 'x64')('the whole suite in 256 bits', { timeout: 600_000 }, () => {
  const flags = ['--experimental-wasm-revectorize'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, PROGRAM, '2 threads, relaxed SIMD'], {
    encoding: 'utf8',
  });
  const { device, passed, failures } = JSON.parse(stdout) as Verdict;
  expect(failures, stderr).toEqual([]);
  expect(device).toBe('WebAssembly, relaxed SIMD in 256 bits, 2 threads');
  expect(passed).toBeGreaterThan(1000);
});
