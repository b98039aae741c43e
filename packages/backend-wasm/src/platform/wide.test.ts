import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../dist/test/bits.js', import.meta.url));

function bitsWith(...flags: string[]): { readonly device: string; readonly bits: string } {
  return JSON.parse(execFileSync(process.execPath, [...flags, PROGRAM], { encoding: 'utf8' }));
}

test.skipIf(process.arch !== 'x64')('tiles that are twice as wide compute the same bits', () => {
  const narrow = bitsWith();
  expect(narrow.device).toBe('WebAssembly, relaxed SIMD, 2 threads');
  for (const flag of ['--experimental-wasm-revectorize', '--experimental_wasm_revectorize']) {
    expect(bitsWith(flag)).toEqual({
      device: 'WebAssembly, relaxed SIMD in 256 bits, 2 threads',
      bits: narrow.bits,
    });
  }
});
