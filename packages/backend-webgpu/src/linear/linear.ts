import type { LinearGradients, LinearProblem, RunOptions, Tensor } from '@heed/core';
import {
  type LinearDefinition,
  type LinearKernelDefinition,
  STORED_TYPES,
  linearGradientBy,
  sizeOf,
} from '@heed/core/backend';
import { type GpuTensor, bytesOf, freeTensor } from '../memory/gpu-tensor.ts';
import { gpuMemory } from '../memory/memory.ts';
import type { Engine } from '../platform/engine.ts';
import type { Pipeline } from '../platform/pipelines.ts';
import { Run } from '../platform/run.ts';
import { scoped } from '../platform/scoped.ts';
import { THREADS } from '../shader/module.ts';
import { vectorsOf } from '../shader/tensors.ts';
import { FEW_OUTPUTS, FEW_ROWS, TILE, fewRowsShader, manyRowsShader, packShader } from './shaders.ts';
import { packStored } from './weights.ts';

/** Parameters on the device, in the form that shaders read. */
interface Packed {
  readonly weights: GpuTensor;
  readonly scales?: GpuTensor | undefined;
  readonly minima?: GpuTensor | undefined;
  readonly bias?: GpuTensor | undefined;
  /** The weight as it was given, for the gradient. */
  readonly original?: GpuTensor | undefined;
}

interface Pipelines {
  readonly few: Pipeline;
  readonly many: Pipeline;
  readonly pack: Pipeline | null;
}

/** Linear projections: SPEC.md, clause `linear`. */
export function gpuLinear(engine: Engine): LinearDefinition<GpuTensor> {
  return {
    weightTypes: STORED_TYPES,
    async compile(problem) {
      engine.check();
      return kernelOf(
        engine,
        problem,
        await pipelinesOf(engine, problem),
      ) as LinearKernelDefinition<GpuTensor>;
    },
  };
}

async function pipelinesOf(
  { pipelines, subgroup }: Engine,
  problem: Required<LinearProblem>,
): Promise<Pipelines> {
  const [few, many, pack] = await Promise.all([
    pipelines.get(fewRowsShader(problem)),
    pipelines.get(manyRowsShader(problem, subgroup)),
    problem.weightType === 'float32' ? pipelines.get(packShader(problem)) : null,
  ]);
  return { few, many, pack };
}

function kernelOf(
  engine: Engine,
  problem: Required<LinearProblem>,
  pipelines: Pipelines,
): LinearKernelDefinition<GpuTensor, Packed> {
  const memory = gpuMemory(engine);
  const upload = (data: Uint32Array | Float32Array): GpuTensor | Promise<GpuTensor> => {
    const words = new Int32Array(data.buffer, data.byteOffset, data.length);
    return memory.upload({ dtype: 'int32', shape: [data.length], data: words });
  };
  return {
    pack: ({ weight, bias }) =>
      Run.execute(engine, undefined, (run) => {
        const { inputDim, outputDim, gradient } = problem;
        const weights = run.result('float32', [vectorsOf(inputDim), outputDim, 4]);
        run.dispatch({
          pipeline: pipelines.pack!,
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
      Run.execute(engine, signal, (run) => record(run, problem, pipelines, input, packed)),
    gradient: (input, packed, dOutput, options) =>
      gradientOf(engine, problem, { input, packed, dOutput }, options),
  };
}

function record(
  run: Run,
  { inputDim, outputDim }: Required<LinearProblem>,
  { few, many }: Pipelines,
  input: GpuTensor,
  packed: Packed,
): GpuTensor {
  const leading = input.shape.slice(0, -1);
  const rows = sizeOf(leading);
  const output = run.result('float32', [...leading, outputDim]);
  const isFew = rows <= FEW_ROWS;
  run.dispatch({
    pipeline: isFew ? few : many,
    tensors: { input, output, ...packed },
    params: { rows, outputDim },
    grid: isFew
      ? [Math.ceil(outputDim / FEW_OUTPUTS), rows, 1]
      : [Math.ceil(outputDim / TILE), Math.ceil(rows / TILE), 1],
    work: inputDim * (isFew ? FEW_OUTPUTS : TILE * TILE),
  });
  return output;
}

/** Gradients from products on the device; transposed matrices and the slopes of activations are computed on the host. */
async function gradientOf(
  engine: Engine,
  problem: Required<LinearProblem>,
  given: { readonly input: GpuTensor; readonly packed: Packed; readonly dOutput: GpuTensor },
  options: RunOptions,
): Promise<LinearGradients<GpuTensor>> {
  const memory = gpuMemory(engine);
  const { original, bias } = given.packed;
  const [input, dOutput, weight, plainBias] = await Promise.all([
    memory.download(given.input),
    memory.download(given.dOutput),
    memory.download(original!),
    bias && memory.download(bias),
  ]);
  const multiply = async (x: Tensor, w: Tensor): Promise<Tensor> => {
    const [outputDim, inputDim] = w.shape as [number, number];
    const product = { ...PLAIN, inputDim, outputDim };
    if (sizeOf([outputDim, inputDim, x.shape[0]!]) === 0) {
      return {
        dtype: 'float32',
        shape: [x.shape[0]!, outputDim],
        data: new Float32Array(x.shape[0]! * outputDim),
      };
    }
    const kernel = kernelOf(engine, product, await pipelinesOf(engine, product));
    const [left, right] = [await memory.upload(x), await memory.upload(w)];
    const packed = await kernel.pack({ weight: right });
    try {
      const result = await kernel.run(left, packed, options);
      const plain = await memory.download(result);
      freeTensor(result);
      return plain;
    } finally {
      [left, right].forEach(freeTensor);
      kernel.free!(packed);
    }
  };
  const gradients = await linearGradientBy(problem, { weight, bias: plainBias }, input, dOutput, multiply);
  const entries = await Promise.all(
    Object.entries(gradients).map(async ([name, one]) => [name, await memory.upload(one as Tensor)] as const),
  );
  return Object.fromEntries(entries) as unknown as LinearGradients<GpuTensor>;
}

const PLAIN = {
  dtype: 'float32',
  weightType: 'float32',
  bias: false,
  activation: null,
  gate: false,
  gradient: false,
} as const;
