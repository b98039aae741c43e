import {
  type Activation,
  type AttentionBackend,
  type LinearKernel,
  type PackedWeights,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  isResident,
} from '@heed/core';
import { Linear, type StateDict, activate } from '@heed/layers';

type Float32 = Tensor<'float32'>;

interface Packed {
  readonly kernel: LinearKernel;
  readonly weights: PackedWeights;
}

/**
 * A trained projection, with an activation behind it: on the engine where the backend offers `linear`, packed once for each, else
 * by `@heed/layers`. Its weights never change.
 */
export class Projection {
  readonly #linear: Linear;
  readonly #activation: Activation | null;
  readonly #packed = new WeakMap<AttentionBackend, Promise<Packed>>();

  /** @param parameters `weight` `[out, in]`, and `bias` `[out]` if there is one. */
  constructor({ weight, bias }: StateDict, activation: Activation | null = null) {
    const [outputDim, inputDim] = weight.shape as [number, number];
    this.#linear = new Linear({ inputDim, outputDim, bias: bias !== undefined, random: () => 0 });
    this.#linear.loadStateDict({ weight, ...(bias && { bias }) });
    this.#activation = activation;
  }

  /** The width of the output. */
  get outputDim(): number {
    return this.#linear.parameters['weight'].shape[0];
  }

  /** `[…, in]` → `[…, out]`, in this process's memory. */
  async forward(
    backend: AttentionBackend,
    input: Float32 | ResidentTensor,
    run: RunOptions,
  ): Promise<Float32> {
    if (backend.linear === undefined) return this.#onHost(input as Float32);
    const { kernel, weights } = await this.#on(backend);
    return (await kernel.run({ input, weights }, run)).output as Float32;
  }

  /** The same, in the backend's memory where it offers `linear`; the caller disposes what is resident. */
  async stay(
    backend: AttentionBackend,
    input: Float32 | ResidentTensor,
    run: RunOptions,
  ): Promise<Float32 | ResidentTensor<'float32'>> {
    if (backend.linear === undefined) return this.#onHost(input as Float32);
    const { kernel, weights } = await this.#on(backend);
    const { output } = await kernel.run({ input, weights }, { ...run, resident: true });
    return output as ResidentTensor<'float32'>;
  }

  #onHost(input: Float32): Float32 {
    const output = this.#linear.forward(input);
    return (this.#activation === null ? output : activate(this.#activation, output)) as Float32;
  }

  #on(backend: AttentionBackend): Promise<Packed> {
    const before = this.#packed.get(backend);
    if (before !== undefined) return before;
    const packed = this.#pack(backend);
    this.#packed.set(backend, packed);
    // The next call retries what failed, such as for lack of memory.
    packed.catch(() => this.#packed.delete(backend));
    return packed;
  }

  async #pack(backend: AttentionBackend): Promise<Packed> {
    const { weight, bias } = this.#linear.parameters;
    const [outputDim, inputDim] = weight.shape as [number, number];
    const problem = { inputDim, outputDim, bias: bias !== undefined, activation: this.#activation };
    const kernel = await backend.linear!.compile(problem);
    return { kernel, weights: await kernel.pack({ weight, ...(bias && { bias }) }) };
  }
}

/** Frees tensors that are in a backend's memory. */
export function disposeAll(tensors: readonly (Tensor | ResidentTensor | undefined)[]): void {
  for (const tensor of tensors) if (tensor !== undefined && isResident(tensor)) tensor.dispose();
}
