import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { FeedForward } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { decoded } from '../weights/matrix.ts';
import { type WeightReader, checkEnough } from '../weights/source.ts';
import type { Step } from './attention.ts';
import { Projection } from '../engine/projection.ts';

type Float32 = Tensor<'float32'>;

/** The feed-forward part of a decoder's layer: down(f(up(x))), or down(silu(gate(x)) · up(x)). */
export class DecoderFeedForward {
  /** Gate and up in one, or up with its activation. */
  readonly #input: Projection;
  readonly #output: Projection;
  readonly #isGated: boolean;

  private constructor(input: Projection, output: Projection, isGated: boolean) {
    this.#input = input;
    this.#output = output;
    this.#isGated = isGated;
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
      return new DecoderFeedForward(
        new Projection([part('up')], activation),
        new Projection([part('down')]),
        false,
      );
    }
    const part = async (name: string, shape: readonly [number, number]) => ({
      weight: await reader.matrix(`layers.${layer}.mlp.${name}_proj.weight`, shape),
      bias: bias.feedForward
        ? decoded(await reader.matrix(`layers.${layer}.mlp.${name}_proj.bias`, [shape[0]]))
        : null,
    });
    const inputs = [await part('gate', [hiddenDim, width]), await part('up', [hiddenDim, width])];
    const down = await part('down', [width, hiddenDim]);
    return new DecoderFeedForward(new Projection(inputs), new Projection([down]), true);
  }

  /** `[B, L, E]` → `[B, L, E]`. */
  async forward(input: Float32, { backend, run }: Step): Promise<Float32> {
    const hidden = await this.#input.forward(backend, input, run);
    return this.#output.forward(backend, this.#isGated ? gated(hidden) : hidden, run);
  }
}

/** silu(gate) · up of rows that have one behind the other. */
function gated({ shape, data }: Float32): Float32 {
  const width = shape.at(-1)! / 2;
  const result = zeros('float32', [...shape.slice(0, -1), width]);
  for (let row = 0; row * width < result.data.length; row++) {
    const [from, to] = [2 * row * width, row * width];
    for (let n = 0; n < width; n++) {
      const gate = data[from + n];
      result.data[to + n] = (gate / (1 + Math.exp(-gate))) * data[from + width + n];
    }
  }
  return result;
}
