import type { AttentionBackend, AttentionProblem, ResidentTensor } from '@heed/core';
import { type KernelDefinition, defineBackend } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import { CAPABILITIES } from './capabilities.ts';
import { forward } from './forward/forward.ts';
import { gradient } from './gradient/gradient.ts';
import { tensorflowLinear } from './linear/linear.ts';
import { type Native, tensorflowMemory } from './memory/memory.ts';
import { planOf, tiledProblem } from './plan/tiled-problem.ts';
import type { TileLimits } from './plan/tiles.ts';
import type { Engine } from './platform/engine.ts';

/** A backend whose resident tensors are tensors of TensorFlow.js. */
export interface TfjsNodeBackend extends AttentionBackend {
  /**
   * Takes a tensor of TensorFlow.js without a copy. The resident tensor takes ownership: its dispose() frees it.
   * To keep the tensor, wrap `tensor.clone()`, which shares its memory.
   *
   * @throws HeedError `ARGUMENT` unless it is a float32, int32 or bool tensor that is not disposed.
   */
  wrap(tensor: TfTensor): ResidentTensor;
  /**
   * The tensor of TensorFlow.js that a resident tensor holds, without a copy. It still belongs to the resident tensor,
   * and is gone when that is disposed or written to. To keep it, take `unwrap(resident).clone()`.
   *
   * @throws HeedError `FOREIGN_TENSOR` for a resident tensor of another backend, `DISPOSED` after its dispose().
   */
  unwrap(resident: ResidentTensor): TfTensor;
}

export function createBackend(engine: Engine, limits?: TileLimits): TfjsNodeBackend {
  return defineBackend({
    name: 'tfjs-node',
    device: engine.device,
    capabilities: CAPABILITIES,
    memory: tensorflowMemory(engine),
    compile: (problem) => compile(engine, problem, limits),
    linear: tensorflowLinear(engine),
  }) as TfjsNodeBackend;
}

function compile(engine: Engine, problem: AttentionProblem, limits?: TileLimits): KernelDefinition<Native> {
  const tiled = tiledProblem(engine, problem, limits);
  return {
    plan: planOf(tiled),
    run: (inputs, options) => forward(tiled, inputs, options),
    gradient: (inputs, results, options) => gradient(tiled, inputs, results, options),
  };
}
