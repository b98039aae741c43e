import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Verdict } from './verdict.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/test/verify-here.js', import.meta.url));

/** Expects that one case in so many passes where V8 joins vectors, which a flag of Node asks for. */
export function expectNoFailureIn256Bits(every: number): void {
  const words = ['--experimental-wasm-revectorize', PROGRAM, '2 threads, relaxed SIMD', `--every=${every}`];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  const { device, passed, failures } = JSON.parse(stdout) as Verdict;
  expect(failures, stderr).toEqual([]);
  expect(device).toBe('WebAssembly, relaxed SIMD in 256 bits, 2 threads');
  expect(passed).toBeGreaterThan(1000);
}
