import { type AttentionBackend, HeedError, type Tensor, tensor } from '@heed/core';
import {
  Embedding,
  type FloatTensor,
  LayerNorm,
  Linear,
  type Safetensors,
  type StateDict,
  TransformerBlock,
} from '@heed/layers';

const WORDS = 'embeddings.word_embeddings.weight';

export interface BertOptions {
  readonly heads: number;
  /** Added to the variance in the norms. Default 1e-12. */
  readonly epsilon?: number;
}

/** Query, key and value of one layer's attention, `[B, H, L, D]` each. */
export type Projections = Readonly<Record<'query' | 'key' | 'value', Tensor<'float32'>>>;

/** Encoder of a BERT (Devlin et al. 2019): attention and, where it offers `linear`, projections run on any backend, the rest here. */
export class BertEncoder {
  /** The width of a token. */
  readonly width: number;
  /** Number of different tokens. */
  readonly vocabulary: number;
  readonly layerCount: number;
  readonly #heads: number;
  readonly #embeddings: readonly Embedding[];
  readonly #norm: LayerNorm;
  readonly #blocks: readonly TransformerBlock[];

  /** @throws HeedError what reading and loading throw; `ARGUMENT` for a file that is not a BERT. */
  constructor(file: Safetensors, { heads, epsilon = 1e-12 }: BertOptions) {
    const dict = file.stateDict(bertPrefix(file));
    this.#embeddings = ['word', 'position', 'token_type'].map((kind) =>
      embeddingOf(dict[`embeddings.${kind}_embeddings.weight`]!),
    );
    const [words] = this.#embeddings as [Embedding];
    [this.vocabulary, this.width] = words.parameters['weight']!.shape as [number, number];
    this.layerCount = countLayers(Object.keys(dict));
    this.#heads = heads;
    const common = { embedDim: this.width, epsilon };
    this.#norm = new LayerNorm(common);
    this.#norm.loadStateDict({
      weight: dict['embeddings.LayerNorm.weight']!,
      bias: dict['embeddings.LayerNorm.bias']!,
    });
    this.#blocks = Array.from({ length: this.layerCount }, (_, n) => {
      const prefix = `encoder.layer.${n}.`;
      const [hiddenDim] = dict[`${prefix}intermediate.dense.weight`]!.shape as [number];
      const block = new TransformerBlock({ ...common, heads, hiddenDim, normFirst: false, random: () => 0 });
      block.loadStateDict(dict, { prefix });
      return block.freeze();
    });
  }

  /**
   * Computes the input of every layer and the output of the last one, `[B, L, E]` each.
   *
   * @param ids int32 `[B, L]`.
   * @param keyMask bool `[B, L]`: false is padding. Default: none.
   */
  async states(
    backend: AttentionBackend,
    ids: Tensor<'int32'>,
    keyMask?: Tensor<'bool'>,
  ): Promise<FloatTensor[]> {
    const [words, positions, types] = this.#embeddings as [Embedding, Embedding, Embedding];
    const length = ids.shape[1]!;
    const places = { ...ids, data: ids.data.map((_, n) => n % length) };
    const first = { ...ids, data: new Int32Array(ids.data.length) };
    const sum = words.forward(ids);
    for (const { data } of [positions.forward(places), types.forward(first)]) {
      for (let n = 0; n < data.length; n++) sum.data[n]! += data[n]!;
    }
    const states = [this.#norm.forward(sum)];
    for (const block of this.#blocks) {
      const { output } = await block.forward(backend, { input: states.at(-1)!, keyMask });
      states.push(output);
    }
    return states;
  }

  /** Computes query, key and value of a layer's attention from the layer's input. */
  projections(layer: number, state: FloatTensor): Projections {
    const { parameters } = this.#blocks[layer]!;
    const project = (name: string): Tensor<'float32'> => {
      const linear = new Linear({ inputDim: this.width, outputDim: this.width, random: () => 0 });
      const weight = parameters[`attention.${name}.weight`]!;
      linear.loadStateDict({ weight, bias: parameters[`attention.${name}.bias`]! });
      return splitHeads(linear.forward(state), this.#heads);
    };
    return { query: project('query'), key: project('key'), value: project('value') };
  }
}

/**
 * The prefix of the names of a BERT's tensors: `bert.`, or nothing.
 *
 * @throws HeedError `ARGUMENT` for a file that is not a BERT.
 */
export function bertPrefix({ names }: Safetensors): string {
  const words = names.find((name) => name.endsWith(WORDS));
  if (words !== undefined) return words.slice(0, -WORDS.length);
  throw new HeedError('ARGUMENT', `the file has no ${WORDS}: it is not a BERT`, {
    remedy: 'take the model.safetensors of a BERT, such as sentence-transformers/all-MiniLM-L6-v2',
  });
}

function embeddingOf(weight: StateDict[string]): Embedding {
  const [count, embedDim] = weight.shape as [number, number];
  const embedding = new Embedding({ count, embedDim, random: () => 0 });
  embedding.loadStateDict({ weight });
  return embedding;
}

function countLayers(names: readonly string[]): number {
  const numbers = names.flatMap((name) => {
    const [, number] = /^encoder\.layer\.(\d+)\./.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
  return Math.max(-1, ...numbers) + 1;
}

/** `[B, L, H · D]` → `[B, H, L, D]`. */
function splitHeads({ shape, data }: FloatTensor, heads: number): Tensor<'float32'> {
  const [batch, length, width] = shape as [number, number, number];
  const depth = width / heads;
  const result = new Float32Array(data.length);
  for (let n = 0; n < batch * length * heads; n++) {
    const [row, h] = [Math.floor(n / heads), n % heads];
    const to = ((Math.floor(row / length) * heads + h) * length + (row % length)) * depth;
    result.set(data.subarray(n * depth, (n + 1) * depth), to);
  }
  return tensor(result, [batch, heads, length, depth]);
}
