import { problemOf } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { loadLibrary } from './library/gpu-library.ts';
import { type Live, watchBuffers } from './test/live-objects.ts';
import { providerOf } from './test/provider-of.ts';
import { absenceOf } from './test/required.ts';
import { runSome, waves } from './test/run-some.ts';
import { useSoftwareVulkan } from './test/software-vulkan.ts';

useSoftwareVulkan();

const webgpu = providerOf('webgpu');
const absence = await absenceOf('webgpu');

async function watch(): Promise<Live> {
  const library = await loadLibrary();
  return watchBuffers((await library.WebGPUContext.acquire()).device);
}

function selfAttention(length: number, depth: number): ReturnType<typeof problemOf> {
  const shape = [1, 1, length, depth];
  return problemOf({ query: waves(shape, 1), key: waves(shape, 2), value: waves(shape, 3) });
}

describe.skipIf(absence !== null)(`on WebGPU ${absence ?? ''}`, () => {
  test('nothing is left on the device by runs, backward passes, and runs that are given up', async () => {
    const backend = await webgpu.create();
    const live = await watch();
    await runSome(backend, 2);
    // Each kernel of gpu.js keeps its last result.
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
