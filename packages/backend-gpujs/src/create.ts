import { type AttentionBackend, type Availability, HeedError } from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import { forward } from './attention/forward.ts';
import { gradient } from './attention/gradient.ts';
import { planOf } from './attention/tiles.ts';
import { CAPABILITIES } from './capabilities.ts';
import { openEngine } from './engine/open.ts';
import { limitsOf } from './limits.ts';
import { type GpujsOptions, checkGpujsOptions } from './options.ts';
import { type DeviceTensor, deviceMemory } from './tensors/device-tensor.ts';

/**
 * Returns whether gpu.js is installed and computes at all. The modes without a GPU are opened in no time, and work unless
 * a content security policy forbids them; only then is a GPU looked for, as `create` does.
 */
export async function probe(): Promise<Availability> {
  try {
    const withoutGpu = openEngine({ mode: 'webasm', fallback: true });
    const { engine } = await withoutGpu.catch(() => openEngine({}));
    await engine.dispose();
    return { available: true };
  } catch (error) {
    const remedy = HeedError.isInstance(error) ? error.remedy : undefined;
    return {
      available: false,
      reason: (error as Error).message,
      remedy: remedy ?? 'npm install gpu.js',
    };
  }
}

export async function createBackend(options: GpujsOptions = {}): Promise<AttentionBackend> {
  checkGpujsOptions(options);
  const { engine, device } = await openEngine(options);
  return defineBackend<DeviceTensor>({
    name: 'gpujs',
    device,
    capabilities: CAPABILITIES,
    limits: (problem) => limitsOf(problem, engine),
    memory: deviceMemory(engine),
    compile: (problem) => ({
      plan: planOf(problem, engine),
      run: (inputs, { signal }) => forward(engine, problem, inputs, signal),
      gradient: (inputs, saved, { signal }) => gradient(engine, problem, inputs, saved, signal),
    }),
    dispose: () => engine.dispose(),
  });
}
