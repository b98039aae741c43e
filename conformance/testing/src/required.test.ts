import { afterEach, expect, test, vi } from 'vitest';
import { isRequired } from './required.ts';

afterEach(() => vi.unstubAllEnvs());

test.each<[string | undefined, boolean, boolean]>([
  [undefined, false, false],
  ['', false, false],
  ['all', true, true],
  ['wasm', true, false],
  ['webgpu, wasm', true, false],
  ['webgpu', false, false],
])('HEED_REQUIRE=%s: wasm %s, what has no name %s', (value, named, unnamed) => {
  vi.stubEnv('HEED_REQUIRE', value);
  expect(isRequired('wasm')).toBe(named);
  expect(isRequired()).toBe(unnamed);
});
