import {
  type AttentionBackend,
  type AttentionProblem,
  type Availability,
  HeedError,
  type Support,
} from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import { forward } from './attention/forward.ts';
import { planOf } from './attention/tiles.ts';
import { CAPABILITIES } from './capabilities.ts';
import type { Engine } from './engine/engine.ts';
import { openEngine } from './engine/open.ts';
import { type GpujsOptions, checkOptions } from './options.ts';
import { type DeviceTensor, deviceMemory } from './tensors/device-tensor.ts';
import { sizeOf } from './tensors/size-of.ts';

/** Whether gpu.js is installed and computes at all: the modes without a GPU, which work wherever any does. */
export async function probe(): Promise<Availability> {
  try {
    const { engine } = await openEngine({ mode: 'webasm', fallback: true });
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
  checkOptions(options);
  const { engine, device } = await openEngine(options);
  return defineBackend<DeviceTensor>({
    name: 'gpujs',
    device,
    capabilities: CAPABILITIES,
    limits: (problem) => limitsOf(problem, engine),
    memory: deviceMemory(engine),
    compile: (problem) => ({
      plan: planOf(problem),
      run: (inputs, { signal }) => forward(engine, problem, inputs, signal),
    }),
    dispose: () => engine.dispose(),
  });
}

/** A tensor is one array of the engine. */
function limitsOf(problem: AttentionProblem, { largestArray, device }: Engine): Support {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, mask, bias, outputs } = problem;
  const sizes: [clause: string, name: string, lengths: readonly number[]][] = [
    ['shape', 'query', [batch, heads, queryLength, headDim]],
    ['shape', 'key', [batch, kvHeads, keyLength, headDim]],
    ['shape', 'value', [batch, kvHeads, keyLength, valueDim]],
    ['shape', 'output', [batch, heads, queryLength, valueDim]],
    ['mask', 'mask', mask?.shape ?? []],
    ['bias', 'bias', bias?.shape ?? []],
    ['weights', 'weights', outputs.includes('weights') ? [batch, heads, queryLength, keyLength] : []],
  ];
  for (const [clause, name, lengths] of sizes) {
    const size = sizeOf(lengths);
    if (size <= largestArray) continue;
    const reason = `${name} has ${size} elements, the largest array of ${device} has ${largestArray}`;
    return { supported: false, clause, reason };
  }
  return { supported: true };
}
