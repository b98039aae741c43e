import type { AttentionBackend, AttentionProblem } from '@heed/core';
import { type KernelDefinition, defineBackend } from '@heed/core/backend';
import { CAPABILITIES } from './capabilities.ts';
import { ForwardKernel } from './forward/kernel.ts';
import { GradientKernel } from './gradient/kernel.ts';
import { gpuLinear } from './linear/linear.ts';
import type { GpuTensor } from './memory/gpu-tensor.ts';
import { gpuMemory } from './memory/memory.ts';
import { gpuOperations } from './operations/index.ts';
import type { Engine } from './platform/engine.ts';

export function createBackend(engine: Engine): AttentionBackend {
  return defineBackend<GpuTensor>({
    name: 'webgpu',
    device: engine.name,
    capabilities: CAPABILITIES,
    memory: gpuMemory(engine),
    linear: gpuLinear(engine),
    operations: gpuOperations(engine),
    compile: (problem) => compile(engine, problem),
    dispose: () => engine.dispose(),
  });
}

async function compile(engine: Engine, problem: AttentionProblem): Promise<KernelDefinition<GpuTensor>> {
  engine.check();
  const [forward, backward] = await Promise.all([
    ForwardKernel.compile(engine, problem),
    problem.gradient ? GradientKernel.compile(engine, problem) : null,
  ]);
  const { geometry, splits } = forward.plan;
  return {
    plan: {
      algorithm: splits ? 'flash, keys split among workgroups' : 'flash',
      tile: { query: geometry.rows, key: geometry.keys },
      scratchBytes: Math.max(forward.scratchBytes, backward?.scratchBytes ?? 0),
    },
    run: (inputs, options) => forward.run(inputs, options),
    ...(backward && { gradient: backward.run.bind(backward) }),
  };
}
