import { resolveRequest } from '@heed/core';
import { describe, expect, test, vi } from 'vitest';
import gpujs from '../index.ts';
import { type WebGpuContext, loadLibrary } from '../platform/gpu-library.ts';
import { type Live, watchBuffers } from '../test/live-objects.ts';
import { providerOf } from '../test/provider-of.ts';
import { absenceOf } from '../test/absence-of.ts';
import { runSome, waves } from '../test/run-some.ts';
import { useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();

const webgpu = providerOf('webgpu');
const absence = await absenceOf('webgpu');

async function context(): Promise<WebGpuContext> {
  return (await loadLibrary()).WebGPUContext.acquire();
}

async function watch(): Promise<Live> {
  return watchBuffers((await context()).device);
}

function selfAttention(length: number, depth: number): ReturnType<typeof resolveRequest> {
  const shape = [1, 1, length, depth];
  return resolveRequest({ query: waves(shape, 1), key: waves(shape, 2), value: waves(shape, 3) });
}

describe.skipIf(absence !== null)(`on WebGPU ${absence ?? ''}`, () => {
  test('nothing is left on the device by runs, gradients, and runs that are given up', async () => {
    const backend = await webgpu.create();
    const live = await watch();
    await runSome(backend, 2);
    // Each program of gpu.js keeps its last result.
    const kept = live.count;
    await runSome(backend, 8);
    expect(live.count).toBe(kept);

    const { problem, inputs } = selfAttention(3000, 2);
    const kernel = await backend.compile(problem);
    const controller = new AbortController();
    const run = kernel.run(inputs, { signal: controller.signal });
    setTimeout(() => controller.abort());
    await expect(run).rejects.toThrow('abort');
    expect(live.count).toBe(kept);
    await backend.dispose();
    expect(live.count).toBe(0);
  });

  test('nothing is left on the device when it runs out of buffers, at whichever step', async () => {
    const backend = await webgpu.create();
    const { device } = await context();
    const live = watchBuffers(device);
    const { problem, inputs } = resolveRequest({
      query: waves([1, 2, 40, 8], 1),
      key: waves([1, 2, 40, 8], 2),
      value: waves([1, 2, 40, 8], 3),
      sinks: waves([2], 4),
      statistics: true,
    });
    const kernel = await backend.compile(problem);
    await kernel.run(inputs);
    await kernel.run(inputs);
    const kept = live.count;
    const { createBuffer } = device;
    let failures = 0;
    for (let step = 0; ; step++) {
      let left = step;
      device.createBuffer = (descriptor) => {
        if (left-- === 0) throw new Error('no more buffers');
        return createBuffer.call(device, descriptor);
      };
      const failed = await kernel.run(inputs).then(
        () => false,
        () => true,
      );
      // A program of gpu.js may have lost the last result that it keeps.
      expect(live.count, `buffers after a failure at step ${step}`).toBeLessThanOrEqual(kept);
      if (!failed) break;
      failures++;
    }
    device.createBuffer = createBuffer;
    expect(live.count).toBe(kept);
    expect(failures).toBeGreaterThan(10);
    await backend.dispose();
  });

  test('a second run compiles nothing, and reads nothing back but the result', async () => {
    const backend = await webgpu.create();
    const { problem, inputs } = selfAttention(100, 4);
    const kernel = await backend.compile(problem);
    await kernel.run(inputs);
    const { device } = await context();
    const spies = [
      vi.spyOn(device, 'createShaderModule'),
      vi.spyOn(device, 'createComputePipeline'),
      vi.spyOn(device, 'createComputePipelineAsync'),
    ];
    const buffers = vi.spyOn(device, 'createBuffer');
    await kernel.run(inputs);
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    const MAP_READ = 1;
    const readBack = buffers.mock.calls.filter(([{ usage }]) => usage & MAP_READ);
    expect(readBack.map(([{ size }]) => size)).toEqual([4 * 100 * 4]);
    for (const spy of [...spies, buffers]) spy.mockRestore();
    await backend.dispose();
  });

  test('4096 queries and keys need no array of 4096²', async () => {
    const backend = await webgpu.create();
    const live = await watch();
    const { problem, inputs } = selfAttention(4096, 1);
    const kernel = await backend.compile(problem);
    await kernel.run(inputs);
    expect(live.peak).toBeLessThan(4 * 4096 ** 2);
    expect(live.peak).toBeGreaterThan(0.9 * kernel.plan.scratchBytes);
    await backend.dispose();
  });
});

test('in WebAssembly, too, a second run compiles nothing', async () => {
  const backend = await gpujs.create({ mode: 'webasm' });
  const { problem, inputs } = selfAttention(60, 4);
  const kernel = await backend.compile({ ...problem, causal: true, alignment: 'topLeft' });
  await kernel.run(inputs);
  const compiled = vi.spyOn(WebAssembly, 'Module');
  await kernel.run(inputs);
  expect(compiled).not.toHaveBeenCalled();
  compiled.mockRestore();
  await backend.dispose();
});
