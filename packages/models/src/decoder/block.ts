import type { ResidentTensor, Tensor } from '@heed/core';
import { LayerNorm, RMSNorm, type StateDict } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { NormOnEngine } from '../engine/norm.ts';
import { disposeAll } from '../engine/projection.ts';
import { takeHeads } from '../inside/heads.ts';
import type { WeightReader } from '../weights/source.ts';
import { DecoderAttention, type Step } from './attention.ts';
import { DecoderFeedForward } from './feed-forward.ts';
import { type Look, tokensOf } from './group.ts';

/** Either kind of normalization. */
type Norm = LayerNorm | RMSNorm;

/** Names of a layer's parts in the files of the hub. */
const NAMES = {
  gpt2: { layer: 'h', norms: ['ln_1', 'ln_2'] },
  llama: { layer: 'layers', norms: ['input_layernorm', 'post_attention_layernorm'] },
} as const;

/** Rows from which on a stream in the backend's memory takes less time than one that goes there for each product. */
const ROWS_WORTH_STAYING = 16;

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
  readonly #normsThere: readonly [NormOnEngine, NormOnEngine];

  private constructor(
    layer: number,
    epsilon: number,
    parts: readonly [DecoderAttention, DecoderFeedForward, Norm, Norm],
  ) {
    this.#layer = layer;
    const [attention, feedForward, first, second] = parts;
    this.#attention = attention;
    this.#feedForward = feedForward;
    this.#norms = [first, second];
    const there = ({ parameters }: Norm): NormOnEngine => {
      const { weight, bias } = parameters as Partial<typeof parameters>;
      return new NormOnEngine({ weight: weight!, ...(bias && { bias }) }, epsilon);
    };
    this.#normsThere = [there(first), there(second)];
  }

  /** Reads a layer's weights. */
  static async load(config: DecoderConfig, layer: number, reader: WeightReader): Promise<DecoderBlock> {
    const { layer: block, norms } = config.kind === 'gpt2' ? NAMES.gpt2 : NAMES.llama;
    const under = (name: string): Promise<StateDict> => reader.under(`${block}.${layer}.${name}.`);
    return new DecoderBlock(layer, config.epsilon, [
      await DecoderAttention.load(config, layer, reader),
      await DecoderFeedForward.load(config, layer, reader),
      normOf(config, await under(norms[0])),
      normOf(config, await under(norms[1])),
    ]);
  }

  /**
   * Returns whether {@link stay} can take a step and is worth it: the backend offers all that it needs, there are enough rows, and nobody
   * looks into it. On pages neither their number nor looks matter: it would be the other texts that decide how one is rounded.
   */
  staysOn({ backend, looks, tokens, isPaged }: Step): boolean {
    const { operations = [] } = backend.capabilities;
    return (
      (isPaged || (tokens >= ROWS_WORTH_STAYING && !looks.some(({ hooks }) => hooks.touches(this.#layer)))) &&
      backend.linear?.scalar !== true &&
      operations.includes('linear.residual') &&
      operations.includes('norm')
    );
  }

  /** `[B, L, E]` → `[B, L, E]` in the backend's memory; the caller disposes both. */
  async stay(stream: ResidentTensor, step: Step): Promise<ResidentTensor<'float32'>> {
    const { backend, run } = step;
    const mine: ResidentTensor[] = [];
    const keep = <T extends ResidentTensor>(tensor: T): T => {
      mine.push(tensor);
      return tensor;
    };
    const [first, second] = this.#normsThere;
    try {
      const normalized = keep(await first.forward(backend, stream, run));
      const between = keep(await this.#attention.stay(normalized, step, stream));
      const input = keep(await second.forward(backend, between, run));
      const result = await this.#feedForward.stay(input, step, between);
      try {
        await this.#captureThere(input, result, step);
      } catch (error) {
        result.dispose();
        throw error;
      }
      return result;
    } finally {
      disposeAll(mine);
    }
  }

  /** Captures parts of the layer from the backend's memory. What a text's looks take leaves the others as they are. */
  async #captureThere(input: ResidentTensor, result: ResidentTensor<'float32'>, step: Step): Promise<void> {
    const looks = step.looks.filter(({ hooks }) => hooks.touches(this.#layer));
    for (const look of looks) {
      const rows = { axis: 1, ...tokensOf(look) };
      if (look.hooks.captures(this.#layer, 'feedForward')) {
        const normalized = (await input.read(rows)) as Tensor<'float32'>;
        const output = await this.#feedForward.forward(normalized, step);
        look.hooks.capture(this.#layer, 'feedForward', () => output, takeHeads);
      }
      if (look.hooks.captures(this.#layer, 'residual')) {
        const part = await result.read(rows);
        look.hooks.capture(this.#layer, 'residual', () => part, takeHeads);
      }
    }
  }

  /** `[B, L, E]` → `[B, L, E]`, in place. */
  async forward(stream: Tensor<'float32'>, step: Step): Promise<void> {
    const { looks } = step;
    const normalized = this.#norms[0].forward(stream) as Tensor<'float32'>;
    add(stream, await this.#attention.forward(normalized, step));
    let output = await this.#feedForward.forward(this.#norms[1].forward(stream) as Tensor<'float32'>, step);
    for (const { hooks } of looks) {
      for (const { value } of hooks.changesOf(this.#layer, 'feedForward')) output = value!;
    }
    for (const look of looks) {
      look.hooks.capture(this.#layer, 'feedForward', () => rowsOf(output, look), takeHeads);
    }
    add(stream, output);
    for (const look of looks) {
      for (const { value } of look.hooks.changesOf(this.#layer, 'residual')) stream.data.set(value!.data);
      look.hooks.capture(this.#layer, 'residual', () => rowsOf(stream, look), takeHeads);
    }
  }
}

/** The tokens of a look out of a stream of all, `[…, E]`, as `[B, L, E]` on the same memory. */
function rowsOf({ shape, data }: Tensor<'float32'>, look: Look): Tensor<'float32'> {
  const width = shape.at(-1)!;
  const { start, length } = tokensOf(look);
  const rows = data.subarray(start * width, (start + length) * width);
  return { dtype: 'float32', shape: [look.count, look.group.length, width], data: rows };
}

function add(into: Tensor<'float32'>, { data }: Tensor<'float32'>): void {
  for (let n = 0; n < data.length; n++) into.data[n] += data[n];
}
