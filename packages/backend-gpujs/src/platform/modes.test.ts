import { HeedError, attention, tensor } from '@heed/core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { launcher } from './launcher.ts';
import gpujs, { type GpujsOptions } from '../index.ts';
import { loadLibrary } from './gpu-library.ts';
import { copy } from './copies.ts';
import { useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();

async function errorOf(work: Promise<unknown>): Promise<HeedError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(HeedError.isInstance(error)).toBe(true);
  return error as HeedError;
}

async function deviceOf(options: GpujsOptions): Promise<string> {
  const backend = await gpujs.create(options);
  await backend.dispose();
  return backend.device;
}

/** WebGPU without a GPU, as in headless browsers. */
const NO_ADAPTER = { gpu: { requestAdapter: async () => null } };

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the mode that runs', () => {
  test('is the one asked for', async () => {
    expect(await deviceOf({ mode: 'cpu' })).toBe('gpu.js cpu, JavaScript, 1 thread');
    expect(await deviceOf({ mode: 'webasm' })).toBe('gpu.js webasm simd128, 1 thread');
    expect(await deviceOf({ mode: 'webasm', threads: 2 })).toBe('gpu.js webasm simd128, up to 2 threads');
  });

  test('is by default the best one, and no GPU in software', async () => {
    vi.stubGlobal('navigator', NO_ADAPTER);
    expect(await deviceOf({})).toBe('gpu.js webasm simd128, 1 thread');
  });

  test('is never another one silently', async () => {
    vi.stubGlobal('navigator', NO_ADAPTER);
    const error = await errorOf(gpujs.create({ mode: 'webgpu' }));
    expect(error.code).toBe('UNAVAILABLE');
    expect(error.remedy).toMatch(/Vulkan driver.*--enable-unsafe-webgpu/);
  });

  test('may be a later one where that is allowed, and the device says so', async () => {
    vi.stubGlobal('navigator', NO_ADAPTER);
    expect(await deviceOf({ mode: 'webgpu', fallback: true })).toBe(
      'gpu.js webasm simd128, 1 thread (not webgpu: cannot find a WebGPU adapter)',
    );
  });

  test.each([
    ['webgl2', /browser with WebGL/],
    ['webgl', /browser with WebGL/],
    ['headlessgl', /npm install gl/],
  ] as const)('%s is absent in Node, and the error has the remedy', async (mode, remedy) => {
    const error = await errorOf(gpujs.create({ mode }));
    expect(error.code).toBe('UNAVAILABLE');
    expect(error.remedy).toMatch(remedy);
  });

  test('must exist, as must the number of threads', async () => {
    expect((await errorOf(gpujs.create({ mode: 'cuda' as never }))).code).toBe('ARGUMENT');
    expect((await errorOf(gpujs.create({ mode: 'webasm', threads: 0 }))).code).toBe('ARGUMENT');
  });
});

describe('a program that gpu.js takes to another mode', () => {
  beforeEach(() => vi.spyOn(console, 'warn').mockImplementation(() => undefined));
  afterEach(() => vi.restoreAllMocks());

  test('is an error', async () => {
    const library = await loadLibrary();
    const launch = launcher<Float32Array>({
      gpu: new library.GPU({ mode: 'webasm' }),
      mode: 'webasm',
      kernelClass: library.WebAssemblyKernel,
      // WebAssembly does not have it, so gpu.js continues in JavaScript.
      arrayType: 'NumberTexture',
      argument: (array) => ({ type: 'NumberTexture', toArray: () => array }),
    });
    const error = await errorOf(launch(copy, [1], { data: Float32Array.of(1) }));
    expect(error.code).toBe('ENGINE');
    expect(error.message).toMatch(/left the mode webasm.*NumberTexture is not supported/);
  });
});

test('WebGPU leaves no navigator behind in Node', async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  await gpujs.create({ mode: 'webgpu' }).then(
    (backend) => backend.dispose(),
    () => undefined,
  );
  expect(Object.getOwnPropertyDescriptor(globalThis, 'navigator')).toEqual(before);
  expect(globalThis.navigator?.gpu).toBeUndefined();
});

test('threads of WebAssembly do not change a bit', async () => {
  const numbers = (length: number, seed: number): Float32Array =>
    Float32Array.from({ length }, (_, n) => Math.sin(seed * (n + 1)));
  const shape = [1, 2, 90, 8];
  const [query, key, value] = [1, 2, 3].map((seed) => tensor(numbers(1440, seed), shape));
  const outputs = await Promise.all(
    [1, 2].map(async (threads) => {
      const backend = await gpujs.create({ mode: 'webasm', threads });
      const { output } = await attention(backend, { query: query!, key: key!, value: value!, causal: true });
      await backend.dispose();
      return output.data;
    }),
  );
  expect(outputs[1]).toEqual(outputs[0]);
});
