import type { AttentionBackend, NormKernel, ResidentTensor, RunOptions, Tensor } from '@heed/core';

/** A norm in the memory of engines that offer `norm`, of parameters that never change: RMS norm without a bias, else layer norm. */
export class NormOnEngine {
  readonly #parameters: { readonly weight: Tensor; readonly bias?: Tensor };
  readonly #epsilon: number;
  readonly #kernels = new WeakMap<AttentionBackend, Promise<NormKernel>>();

  /** @param parameters `weight` and, of a layer norm, `bias`, `[E]`. */
  constructor(parameters: { readonly weight: Tensor; readonly bias?: Tensor }, epsilon: number) {
    this.#parameters = parameters;
    this.#epsilon = epsilon;
  }

  /** `[…, E]` → `[…, E]`; the caller disposes the result. */
  async forward(
    backend: AttentionBackend,
    input: ResidentTensor,
    run: RunOptions,
  ): Promise<ResidentTensor<'float32'>> {
    const kernel = await this.#on(backend);
    const { output } = await kernel.run({ input, ...this.#parameters }, { ...run, resident: true });
    return output as ResidentTensor<'float32'>;
  }

  #on(backend: AttentionBackend): Promise<NormKernel> {
    const before = this.#kernels.get(backend);
    if (before !== undefined) return before;
    const width = this.#parameters.weight.shape[0]!;
    const bias = this.#parameters.bias !== undefined;
    const kind = bias ? 'layer' : 'rms';
    const kernel = backend.norm!.compile({ kind, width, epsilon: this.#epsilon, bias });
    this.#kernels.set(backend, kernel);
    kernel.catch(() => this.#kernels.delete(backend));
    return kernel;
  }
}
