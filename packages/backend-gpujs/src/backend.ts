import type { AttentionBackend } from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import { CAPABILITIES } from './capabilities.ts';
import { forward } from './forward/forward.ts';
import { gradient } from './gradient/gradient.ts';
import { type DeviceTensor, deviceMemory } from './memory/device-tensor.ts';
import { limitsOf } from './plan/limits.ts';
import { planOf } from './plan/tiles.ts';
import type { Opened } from './platform/open.ts';

export function createBackend({ engine, device }: Opened): AttentionBackend {
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
