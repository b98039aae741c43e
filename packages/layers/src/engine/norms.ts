import type { AttentionBackend, NormKernel, NormProblem, ResidentTensor, RunOptions } from '@heed/core';
import type { ComputedOn } from '../forward-on.ts';
import type { NamedTensors } from '../parameters.ts';
import type { LinearGradients } from '../matrix/linear.ts';
import { type FloatTensorLike, lastAxis } from '../tensor-like.ts';
import type { FloatTensor } from '../tensors.ts';
import type { Kept } from './kept.ts';
import { Kernels } from './kernels.ts';

/** A norm in an engine, with parameters of one call. */
export interface NormOn {
  readonly kernel: NormKernel;
  readonly weight: ResidentTensor;
  readonly bias?: ResidentTensor;
}

/** Kernels of a layer's norms on the engines that it was called with. They end with the layer or the backend. */
export class Norms {
  readonly #kernels = new Kernels<NormProblem, NormKernel>((backend, problem) =>
    backend.norm!.compile(problem),
  );

  /** Takes the parameters as they are now. */
  async use(
    backend: AttentionBackend,
    problem: NormProblem,
    parameters: NamedTensors,
    kept: Kept,
  ): Promise<NormOn> {
    const { weight, bias } = parameters;
    const copy = (tensor: FloatTensor): FloatTensor => ({ ...tensor, data: tensor.data.slice() });
    const [given, givenBias] = [copy(weight), bias && copy(bias)];
    const kernel = await this.#kernels.of(backend, { ...problem, bias: bias !== undefined });
    return {
      kernel,
      weight: kept.add(await backend.upload(given)),
      ...(givenBias && { bias: kept.add(await backend.upload(givenBias)) }),
    };
  }

  /** Results of a layer's `forwardOn()`: the engine's where the backend offers norms, else those of the layer itself. */
  async forward(
    backend: AttentionBackend,
    layer: NormLayer,
    norm: Pick<NormProblem, 'kind' | 'epsilon'>,
    input: FloatTensor,
    { gradient, run }: { readonly gradient: boolean; readonly run: RunOptions },
  ): Promise<ComputedOn> {
    const { dtype } = input;
    if (!offersNorm(backend, input)) return forwardHere(layer, input, gradient);
    const { weight, bias } = layer.parameters;
    const problem = { ...norm, width: weight.shape[0], dtype, bias: bias !== undefined, gradient };
    const kernel = await this.#kernels.of(backend, problem);
    const inputs = { input, weight, ...(bias && { bias }) };
    const output = (await kernel.run(inputs, run)).output as FloatTensor;
    if (!gradient) return { output };
    return {
      output,
      async gradient(given) {
        const dOutput = lastAxis('dOutput', given, dtype, weight.shape[0]);
        const { dInput, ...others } = await kernel.gradient(inputs, { dOutput });
        const { dWeight, dBias } = others as { dWeight: FloatTensor; dBias?: FloatTensor };
        return {
          dInput: dInput as FloatTensor,
          parameters: { weight: dWeight, ...(dBias && { bias: dBias }) },
        };
      },
    };
  }
}

/** A layer that can compute here. */
interface NormLayer {
  readonly parameters: NamedTensors;
  forward(given: FloatTensorLike): FloatTensor;
  gradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients;
}

/** Results of a layer that computes here. */
export function forwardHere(layer: NormLayer, input: FloatTensor, gradient: boolean): ComputedOn {
  const output = layer.forward(input);
  if (!gradient) return { output };
  return { output, gradient: async (dOutput) => layer.gradient(input, dOutput) };
}

/** Returns whether a backend computes norms of an element type. */
function offersNorm({ norm, capabilities }: AttentionBackend, { dtype }: FloatTensor): boolean {
  return norm !== undefined && capabilities.dtypes.includes(dtype);
}

/** The norm of rows, in the engine. */
export async function normOn(
  { kernel, weight, bias }: NormOn,
  input: ResidentTensor,
  run: RunOptions,
  kept: Kept,
): Promise<ResidentTensor> {
  const { output } = await kernel.run({ input, weight, bias }, { ...run, resident: true });
  return kept.add(output);
}
