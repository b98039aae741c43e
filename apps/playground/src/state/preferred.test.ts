import { expect, test } from 'vitest';
import type { BackendState } from '../engine/question.ts';
import { backendForModel, preferredBackend } from './preferred.ts';

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
  ['unavailable', 'cannot find a GPU adapter', null],
  ['looking', 'looking…', null],
] as const)('WebGPU that is %s, %s: %s is preferred', (status, detail, preferred) => {
  expect(preferredBackend([ts, webgpu(status, detail)])).toBe(preferred);
});

test('a page without WebGPU prefers none', () => expect(preferredBackend([ts])).toBeNull());

test('a language model runs on WebAssembly, with threads if the page has them, else on TypeScript', () => {
  const wasm = (id: string, status: BackendState['status']): BackendState => ({ ...ts, id, status });
  const [one, threads] = [wasm('wasm', 'available'), wasm('wasm-threads', 'available')];
  expect(backendForModel([ts, webgpu('available', 'WebGPU, nvidia'), one, threads])).toBe('wasm-threads');
  expect(backendForModel([ts, one, wasm('wasm-threads', 'unavailable')])).toBe('wasm');
  expect(backendForModel([ts, wasm('wasm', 'unavailable')])).toBe('ts');
});

test('a language model waits until WebAssembly is examined: a change of backends reads the text again', () => {
  const wasm = (id: string, status: BackendState['status']): BackendState => ({ ...ts, id, status });
  expect(backendForModel([ts, wasm('wasm', 'looking')])).toBeNull();
  expect(backendForModel([ts, wasm('wasm', 'available'), wasm('wasm-threads', 'looking')])).toBeNull();
});
