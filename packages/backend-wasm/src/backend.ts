import {
  type AttentionBackend,
  type AttentionGradients,
  type AttentionInputs,
  type AttentionProblem,
  type GradientInputs,
  type RunOptions,
  type Tensor,
} from '@heed/core';
import { type HostViews, type KernelDefinition, STORED_TYPES, defineBackend } from '@heed/core/backend';
import {
  embeddingOnHost,
  offerElementDropout,
  offerNorm,
  rotaryOnHost,
  withGate,
} from '@heed/core/operations';
import { CAPABILITIES } from './capabilities.ts';
import { compileLinear } from './linear/linear.ts';
import { addTensor } from './operations/add.ts';
import { compileDropout } from './operations/dropout.ts';
import { compileNorm } from './operations/norm.ts';
import type { Engine } from './platform/engine.ts';
import { Pass } from './pass.ts';
import { type WasmTensor, allocateTensor, wasmMemory } from './memory/wasm-tensor.ts';
import { forwardPlan, gradientPlan } from './plan/index.ts';
import { asGradients, asResults, forwardForms, gradientForms } from './results.ts';

export function createBackend(engine: Engine): AttentionBackend {
  const { heap } = engine;
  const views: HostViews<WasmTensor> = {
    view: (tensor) => ({ dtype: tensor.dtype, shape: tensor.shape, data: heap.array(tensor) }) as Tensor,
    make: (dtype, shape) => allocateTensor(heap, dtype, shape),
    free: ({ address }) => heap.free(address),
  };
  return defineBackend<WasmTensor>({
    name: 'wasm',
    device: engine.device,
    capabilities: CAPABILITIES,
    memory: wasmMemory(heap),
    compile: (problem) => compile(engine, problem),
    linear: withGate(
      {
        weightTypes: STORED_TYPES,
        arguments: true,
        compile: (problem) => compileLinear(engine, problem),
        add: (result, other, { signal }) => addTensor(engine, result, other, signal),
      },
      views,
    ),
    operations: [
      offerNorm((problem) => compileNorm(engine, problem)),
      // A few instructions for each number: JavaScript computes them in place.
      rotaryOnHost(views),
      embeddingOnHost(views),
      offerElementDropout((problem) => compileDropout(engine, problem)),
    ],
    dispose: () => engine.team.end(),
  });
}

async function compile(engine: Engine, problem: AttentionProblem): Promise<KernelDefinition<WasmTensor>> {
  const { batch, heads, queryLength, keyLength, headDim, valueDim } = problem;
  const multiplications = batch * heads * queryLength * keyLength * (headDim + valueDim);
  const forward = await Pass.compile(engine, forwardPlan(problem, engine.planOptions), multiplications);
  const gradient = problem.gradient
    ? await Pass.compile(engine, gradientPlan(problem, engine.planOptions), 3 * multiplications)
    : null;
  const forms = forwardForms(problem);
  const { algorithm, tile } = forward.plan;
  return {
    plan: { algorithm, tile, scratchBytes: Math.max(forward.scratchBytes, gradient?.scratchBytes ?? 0) },
    run: async (inputs, { signal }) => asResults(await forward.run({ ...inputs }, forms, signal)),
    ...(gradient && {
      async gradient(
        inputs: AttentionInputs<WasmTensor>,
        { output, statistics, dOutput }: GradientInputs<WasmTensor>,
        { signal }: RunOptions,
      ): Promise<AttentionGradients<WasmTensor>> {
        const operands = { ...inputs, output, ...statistics, dOutput };
        return asGradients(await gradient.run(operands, gradientForms(inputs), signal));
      },
    }),
    dispose() {
      forward.dispose();
      gradient?.dispose();
    },
  };
}
