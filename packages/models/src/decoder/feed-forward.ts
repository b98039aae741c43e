import type { ResidentTensor, Tensor } from '@heed/core';
import { FeedForward } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { decoded } from '../weights/matrix.ts';
import { type WeightReader, checkEnough } from '../weights/source.ts';
import type { Step } from './attention.ts';
import { Projection, disposeAll } from '../engine/projection.ts';

type Float32 = Tensor<'float32'>;

/** The feed-forward part of a decoder's layer: down(f(up(x))), or down(silu(gate(x)) · up(x)). */
export class DecoderFeedForward {
  /** Gate and up in one, or up with its activation. */
  readonly #input: Projection;
  readonly #output: Projection;

  private constructor(input: Projection, output: Projection) {
    this.#input = input;
    this.#output = output;
  }

  /** Reads the weights of a layer. */
  static async load(config: DecoderConfig, layer: number, reader: WeightReader): Promise<DecoderFeedForward> {
    const { kind, width, hiddenDim, activation, bias } = config;
    if (kind === 'gpt2') {
      // Stores weights transposed, which layers turn.
      const dict = await reader.under(`h.${layer}.mlp.`);
      checkEnough(`h.${layer}.mlp`, dict, 2 * width * hiddenDim);
      const loaded = new FeedForward({ embedDim: width, hiddenDim, activation, random: () => 0 });
      loaded.loadStateDict(dict);
      const part = (name: string) => ({
        weight: loaded.parameters[`${name}.weight`] as Float32,
        bias: loaded.parameters[`${name}.bias`] as Float32,
      });
      return new DecoderFeedForward(new Projection([part('up')], activation), new Projection([part('down')]));
    }
    const part = async (name: string, shape: readonly [number, number]) => ({
      weight: await reader.matrix(`layers.${layer}.mlp.${name}_proj.weight`, shape),
      bias: bias.feedForward
        ? decoded(await reader.matrix(`layers.${layer}.mlp.${name}_proj.bias`, [shape[0]]))
        : null,
    });
    const inputs = [await part('gate', [hiddenDim, width]), await part('up', [hiddenDim, width])];
    const down = await part('down', [width, hiddenDim]);
    return new DecoderFeedForward(new Projection(inputs, 'silu', true), new Projection([down]));
  }

  /** `[B, L, E]` → `[B, L, E]`, plus a residual of that shape, in the memory of a backend that offers `linear.residual`. */
  async stay(
    input: ResidentTensor,
    { backend, run }: Step,
    residual: ResidentTensor,
  ): Promise<ResidentTensor<'float32'>> {
    const hidden = await this.#input.stay(backend, input, run);
    try {
      return await this.#output.onEngine(backend, hidden, run, residual);
    } finally {
      disposeAll([hidden]);
    }
  }

  /** `[B, L, E]` → `[B, L, E]`. */
  async forward(input: Float32, { backend, run }: Step): Promise<Float32> {
    const hidden = await this.#input.stay(backend, input, run);
    try {
      return await this.#output.forward(backend, hidden, run);
    } finally {
      disposeAll([hidden]);
    }
  }
}
