import type { AttentionBackend, NormKernel, NormProblem, ResidentTensor, RunOptions } from '@heed/core';
import type { NamedTensors } from '../parameters.ts';
import type { FloatTensor } from '../tensors.ts';
import type { Kept } from './kept.ts';

/** A norm in an engine, with parameters of one call. */
export interface NormOn {
  readonly kernel: NormKernel;
  readonly weight: ResidentTensor;
  readonly bias?: ResidentTensor;
}

/** Kernels of a layer's norms on the engines that it was called with. They end with the layer or the backend. */
export class Norms {
  readonly #engines = new WeakMap<AttentionBackend, Map<string, Promise<NormKernel>>>();

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
    const kernel = await this.#kernel(backend, { ...problem, bias: bias !== undefined });
    return {
      kernel,
      weight: kept.add(await backend.upload(given)),
      ...(givenBias && { bias: kept.add(await backend.upload(givenBias)) }),
    };
  }

  #kernel(backend: AttentionBackend, problem: NormProblem): Promise<NormKernel> {
    const kernels = this.#engines.get(backend) ?? new Map<string, Promise<NormKernel>>();
    this.#engines.set(backend, kernels);
    const key = JSON.stringify(problem);
    const compiling = kernels.get(key) ?? backend.norm!.compile(problem);
    kernels.set(key, compiling);
    compiling.catch(() => kernels.delete(key));
    return compiling;
  }
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
