import type { OperationOffer } from '@heed/core/backend';
import { offerElementDropout, offerEmbedding, offerNorm, offerRotary } from '@heed/core/operations';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { compileElementDropout } from './element-dropout.ts';
import { compileEmbedding } from './embedding.ts';
import { compileNorm } from './norm.ts';
import { compileRotary } from './rotary.ts';

/** Operations besides attention and `linear`: what stands between them in layers stays on the device. */
export function gpuOperations(engine: Engine): OperationOffer<GpuTensor>[] {
  return [
    offerNorm((problem) => compileNorm(engine, problem)),
    offerRotary((problem) => compileRotary(engine, problem)),
    offerEmbedding((problem) => compileEmbedding(engine, problem)),
    offerElementDropout((problem) => compileElementDropout(engine, problem)),
  ];
}
