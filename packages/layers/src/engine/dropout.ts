import type {
  AttentionBackend,
  ElementDropoutKernel,
  ElementDropoutProblem,
  ResidentTensor,
  RunOptions,
} from '@heed/core';
import { type DropoutOptions, checkDropout } from '../dropout.ts';
import type { FloatTensor } from '../tensors.ts';
import type { Kept } from './kept.ts';
import { Kernels } from './kernels.ts';

/** Kernels of dropout on engines. */
export type Dropouts = Kernels<ElementDropoutProblem, ElementDropoutKernel>;

/** Returns whether an engine drops elements. */
export function offersDropout({ capabilities: { operations = [] } }: AttentionBackend): boolean {
  return operations.includes('elementDropout');
}

export function dropoutKernels(): Dropouts {
  return new Kernels((backend, problem) => backend.elementDropout!.compile(problem));
}

/** Dropout of one call in an engine: the elements that `dropout()` drops. */
export class DropoutOn {
  readonly #kernel: ElementDropoutKernel;
  readonly #options: DropoutOptions;
  readonly #kept: Kept;

  private constructor(kernel: ElementDropoutKernel, options: DropoutOptions, kept: Kept) {
    this.#kernel = kernel;
    this.#options = options;
    this.#kept = kept;
  }

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  static async use(
    backend: AttentionBackend,
    kernels: Dropouts,
    options: DropoutOptions,
    { dtype, gradient }: Required<Pick<ElementDropoutProblem, 'dtype' | 'gradient'>>,
    kept: Kept,
  ): Promise<DropoutOn> {
    checkDropout(options);
    const { probability } = options;
    return new DropoutOn(await kernels.of(backend, { probability, dtype, gradient }), options, kept);
  }

  /** The part of an input that is kept, plus a residual. The stream tells the places of a model apart. */
  async forward(
    stream: number,
    input: ResidentTensor,
    run: RunOptions,
    residual?: ResidentTensor,
  ): Promise<ResidentTensor> {
    const inputs = { input, residual, seed: this.#options.seed, stream };
    return this.#kept.add((await this.#kernel.run(inputs, { ...run, resident: true })).output);
  }

  /** The same as a plain tensor. */
  async out(
    stream: number,
    input: ResidentTensor,
    run: RunOptions,
    residual: ResidentTensor,
  ): Promise<FloatTensor> {
    const inputs = { input, residual, seed: this.#options.seed, stream };
    return (await this.#kernel.run(inputs, run)).output as FloatTensor;
  }

  async back(stream: number, dOutput: ResidentTensor): Promise<ResidentTensor> {
    const { seed } = this.#options;
    const { dInput } = await this.#kernel.gradient({ seed, stream }, { dOutput }, { resident: true });
    return this.#kept.add(dInput);
  }
}
