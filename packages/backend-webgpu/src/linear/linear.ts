import type { LinearProblem } from '@heed/core';
import { type LinearDefinition, type LinearKernelDefinition, STORED_TYPES } from '@heed/core/backend';
import { type GpuTensor, bytesOf, freeTensor } from '../memory/gpu-tensor.ts';
import { gpuMemory } from '../memory/memory.ts';
import { addOnDevice } from '../operations/add.ts';
import type { Engine } from '../platform/engine.ts';
import { Run } from '../platform/run.ts';
import { scoped } from '../platform/scoped.ts';
import { THREADS } from '../shader/module.ts';
import { vectorsOf } from '../shader/tensors.ts';
import { gatedKernel } from './gate.ts';
import { compileGradient } from './gradient.ts';
import { type Packed, productOf, recordProduct } from './product.ts';
import { packShader } from './shaders.ts';
import { packStored } from './weights.ts';

type Kernel = LinearKernelDefinition<GpuTensor>;

/** Linear projections: SPEC.md, clause `linear`. */
export function gpuLinear(engine: Engine): LinearDefinition<GpuTensor> {
  const add = addOnDevice(engine);
  const compile = async (problem: Required<LinearProblem>): Promise<Kernel> =>
    (await compileLinear(engine, problem)) as Kernel;
  return {
    weightTypes: STORED_TYPES,
    gates: true,
    add,
    compile(problem) {
      engine.check();
      return problem.gate ? gatedKernel(engine, problem, compile, add) : compile(problem);
    },
  };
}

async function compileLinear(
  engine: Engine,
  problem: Required<LinearProblem>,
): Promise<LinearKernelDefinition<GpuTensor, Packed>> {
  const { inputDim, outputDim } = problem;
  const [product, pack, gradient] = await Promise.all([
    productOf(engine, problem),
    problem.weightType === 'float32' ? engine.pipelines.get(packShader(problem)) : null,
    problem.gradient ? compileGradient(engine, problem) : null,
  ]);
  const memory = gpuMemory(engine);
  const upload = (data: Uint32Array | Float32Array): GpuTensor | Promise<GpuTensor> => {
    const words = new Int32Array(data.buffer, data.byteOffset, data.length);
    return memory.upload({ dtype: 'int32', shape: [data.length], data: words });
  };
  return {
    pack: ({ weight, bias }) =>
      Run.execute(engine, undefined, (run) => {
        const weights = run.result('float32', [vectorsOf(inputDim), outputDim, 4]);
        run.dispatch({
          pipeline: pack!,
          tensors: { weight, packed: weights },
          params: {},
          grid: [Math.ceil((vectorsOf(inputDim) * outputDim) / THREADS), 1, 1],
          work: THREADS * 4,
        });
        const copy = (tensor: GpuTensor): GpuTensor => {
          const copied = run.result(tensor.dtype, tensor.shape);
          run.copy(tensor, 0, copied, 0, bytesOf(tensor));
          return copied;
        };
        return { weights, bias: bias && copy(bias), original: gradient ? copy(weight) : undefined };
      }),
    async packStored({ weight, bias }) {
      const { vectors, scales, minima } = packStored(weight);
      const made: GpuTensor[] = [];
      const keep = async (tensor: GpuTensor | Promise<GpuTensor>): Promise<GpuTensor> => {
        made.push(await tensor);
        return made.at(-1)!;
      };
      try {
        return {
          weights: await keep(upload(vectors)),
          scales: scales ? await keep(upload(scales)) : undefined,
          minima: minima ? await keep(upload(minima)) : undefined,
          bias: bias && (await keep(memory.upload(await memory.download(bias)))),
        };
      } catch (error) {
        await scoped(engine, () => made.forEach(freeTensor));
        throw error;
      }
    },
    free(packed) {
      for (const tensor of Object.values(packed) as (GpuTensor | undefined)[]) if (tensor) freeTensor(tensor);
    },
    run: (input, packed, { signal }) =>
      Run.execute(engine, signal, (run) => {
        const output = run.result('float32', [...input.shape.slice(0, -1), outputDim]);
        recordProduct(run, product, input, packed, output);
        return output;
      }),
    ...(gradient && {
      gradient: (input, packed, dOutput, options) => gradient({ input, packed, dOutput }, options),
    }),
  };
}
