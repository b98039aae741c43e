import type { Tensor } from '@heed/core';
import { LayerNorm, RMSNorm, type StateDict } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { takeHeads } from '../inside/heads.ts';
import type { WeightReader } from '../weights/source.ts';
import { DecoderAttention, type Step } from './attention.ts';
import { DecoderFeedForward } from './feed-forward.ts';

/** Either kind of normalization. */
type Norm = LayerNorm | RMSNorm;

/** Names of a layer's parts in the files of the hub. */
const NAMES = {
  gpt2: { layer: 'h', norms: ['ln_1', 'ln_2'] },
  llama: { layer: 'layers', norms: ['input_layernorm', 'post_attention_layernorm'] },
} as const;

/** The normalization of a family. */
export function normOf({ kind, width, epsilon }: DecoderConfig, stateDict: StateDict): Norm {
  const norm =
    kind === 'gpt2' ? new LayerNorm({ embedDim: width, epsilon }) : new RMSNorm({ embedDim: width, epsilon });
  norm.loadStateDict(stateDict);
  return norm;
}

/** A layer: attention and feed-forward layer, each of the normalized stream and added to it. */
export class DecoderBlock {
  readonly #layer: number;
  readonly #attention: DecoderAttention;
  readonly #feedForward: DecoderFeedForward;
  readonly #norms: readonly [Norm, Norm];

  private constructor(layer: number, parts: readonly [DecoderAttention, DecoderFeedForward, Norm, Norm]) {
    this.#layer = layer;
    const [attention, feedForward, first, second] = parts;
    this.#attention = attention;
    this.#feedForward = feedForward;
    this.#norms = [first, second];
  }

  /** Reads a layer's weights. */
  static async load(config: DecoderConfig, layer: number, reader: WeightReader): Promise<DecoderBlock> {
    const { layer: block, norms } = config.kind === 'gpt2' ? NAMES.gpt2 : NAMES.llama;
    const under = (name: string): Promise<StateDict> => reader.under(`${block}.${layer}.${name}.`);
    return new DecoderBlock(layer, [
      await DecoderAttention.load(config, layer, reader),
      await DecoderFeedForward.load(config, layer, reader),
      normOf(config, await under(norms[0])),
      normOf(config, await under(norms[1])),
    ]);
  }

  /** `[B, L, E]` → `[B, L, E]`, in place. */
  async forward(stream: Tensor<'float32'>, step: Step): Promise<void> {
    const { hooks } = step;
    const normalized = this.#norms[0].forward(stream) as Tensor<'float32'>;
    add(stream, await this.#attention.forward(normalized, step));
    let output = await this.#feedForward.forward(this.#norms[1].forward(stream) as Tensor<'float32'>, step);
    for (const { value } of hooks.changesOf(this.#layer, 'feedForward')) output = value!;
    hooks.capture(this.#layer, 'feedForward', () => output, takeHeads);
    add(stream, output);
    for (const { value } of hooks.changesOf(this.#layer, 'residual')) stream.data.set(value!.data);
    hooks.capture(this.#layer, 'residual', () => stream, takeHeads);
  }
}

function add(into: Tensor<'float32'>, { data }: Tensor<'float32'>): void {
  for (let n = 0; n < data.length; n++) into.data[n] += data[n];
}
