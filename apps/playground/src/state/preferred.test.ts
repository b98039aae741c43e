import { expect, test } from 'vitest';
import type { BackendState } from '../engine/question.ts';
import { preferredBackend } from './preferred.ts';

const ts: BackendState = {
  id: 'ts',
  label: 'TypeScript',
  status: 'available',
  detail: 'JavaScript, one thread',
};
const webgpu = (status: BackendState['status'], detail: string): BackendState => ({
  id: 'webgpu',
  label: 'WebGPU',
  status,
  detail,
});

test.each([
  ['available', 'WebGPU, nvidia ampere, subgroups of 32+', 'webgpu'],
  ['available', 'WebGPU, google swiftshader (software), subgroups of 4+', null],
  ['unavailable', 'there is no GPU adapter', null],
  ['looking', 'looking…', null],
] as const)('WebGPU that is %s, %s: %s is preferred', (status, detail, preferred) => {
  expect(preferredBackend([ts, webgpu(status, detail)])).toBe(preferred);
});

test('a page without WebGPU prefers none', () => expect(preferredBackend([ts])).toBeNull());
