import { type AttentionBackend, tensor } from '@heed/core';
import {
  type FloatTensor,
  Linear,
  MultiHeadAttention,
  type Safetensors,
  readSafetensors,
} from '@heed/layers';
import { Tokenizer } from '@huggingface/tokenizers';
import { gelu } from '../network/gelu.ts';
import { LayerNorm } from '../network/layer-norm.ts';
import { plus, zeros } from '../network/tensors.ts';

/** What the encoder needs of the model's config.json. */
export interface BertConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly layer_norm_eps: number;
  readonly max_position_embeddings: number;
  readonly num_attention_heads: number;
  readonly num_hidden_layers: number;
}

/** The files of a sentence model, as its page on the hub has them. */
export interface ModelFiles {
  readonly config: BertConfig;
  /** model.safetensors. */
  readonly weights: Uint8Array;
  /** tokenizer.json and tokenizer_config.json. */
  readonly tokenizer: object;
  readonly tokenizerConfig: object;
}

interface EncoderLayer {
  readonly attention: MultiHeadAttention;
  readonly afterAttention: LayerNorm;
  readonly widen: Linear;
  readonly narrow: Linear;
  readonly afterFeedForward: LayerNorm;
}

/**
 * A BERT encoder (Devlin et al. 2019) with mean pooling, as sentence-transformers/all-MiniLM-L6-v2 is one: sentences
 * in, vectors of length 1 out. Attention runs on any backend, everything else here.
 */
export class SentenceEncoder {
  readonly #config: BertConfig;
  readonly #tokenizer: Tokenizer;
  readonly #words: FloatTensor;
  readonly #positions: FloatTensor;
  readonly #types: FloatTensor;
  readonly #afterEmbedding: LayerNorm;
  readonly #layers: readonly EncoderLayer[];

  constructor({ config, weights, tokenizer, tokenizerConfig }: ModelFiles) {
    const file = readSafetensors(weights);
    this.#config = config;
    this.#tokenizer = new Tokenizer(tokenizer, tokenizerConfig);
    this.#words = file.tensor('embeddings.word_embeddings.weight') as FloatTensor;
    this.#positions = file.tensor('embeddings.position_embeddings.weight') as FloatTensor;
    this.#types = file.tensor('embeddings.token_type_embeddings.weight') as FloatTensor;
    this.#afterEmbedding = layerNorm(file, 'embeddings.LayerNorm', config);
    this.#layers = Array.from({ length: config.num_hidden_layers }, (_, n) =>
      encoderLayer(file, `encoder.layer.${n}.`, config),
    );
  }

  /** Token ids with [CLS] and [SEP]. */
  tokenize(text: string): number[] {
    return [...this.#tokenizer.encode(text).ids].slice(0, this.#config.max_position_embeddings);
  }

  /** `[B, E]`: a vector of length 1 for each text. Texts of different lengths are padded, and the padding masked. */
  async embed(backend: AttentionBackend, texts: readonly string[]): Promise<FloatTensor> {
    const ids = texts.map((text) => this.tokenize(text));
    const length = Math.max(...ids.map((row) => row.length));
    const keyMask = tensor(
      Uint8Array.from({ length: ids.length * length }, (_, n) =>
        n % length < ids[Math.floor(n / length)].length ? 1 : 0,
      ),
      [ids.length, length],
    );
    let x = this.#afterEmbedding.forward(this.#embedTokens(ids, length));
    for (const { attention, afterAttention, widen, narrow, afterFeedForward } of this.#layers) {
      const { output } = await attention.forward(backend, { query: x, keyMask });
      x = afterAttention.forward(plus(x, output));
      x = afterFeedForward.forward(plus(x, narrow.forward(gelu(widen.forward(x)))));
    }
    return meanOfRows(
      x,
      ids.map((row) => row.length),
    );
  }

  #embedTokens(ids: readonly (readonly number[])[], length: number): FloatTensor {
    const width = this.#config.hidden_size;
    const result = zeros([ids.length, length, width]);
    ids.forEach((row, b) => {
      row.forEach((id, i) => {
        const at = (b * length + i) * width;
        for (let e = 0; e < width; e++) {
          result.data[at + e] =
            this.#words.data[id * width + e] + this.#positions.data[i * width + e] + this.#types.data[e];
        }
      });
    });
    return result;
  }
}

function encoderLayer(file: Safetensors, prefix: string, config: BertConfig): EncoderLayer {
  const { hidden_size: width, intermediate_size: wide, num_attention_heads: heads } = config;
  const attention = new MultiHeadAttention({ embedDim: width, heads, random: () => 0 });
  attention.loadStateDict(file.stateDict(`${prefix}attention.`));
  return {
    attention,
    afterAttention: layerNorm(file, `${prefix}attention.output.LayerNorm`, config),
    widen: linear(file, `${prefix}intermediate.dense`, width, wide),
    narrow: linear(file, `${prefix}output.dense`, wide, width),
    afterFeedForward: layerNorm(file, `${prefix}output.LayerNorm`, config),
  };
}

function linear(file: Safetensors, prefix: string, inputDim: number, outputDim: number): Linear {
  const layer = new Linear({ inputDim, outputDim, random: () => 0 });
  layer.loadStateDict(file.stateDict(`${prefix}.`));
  return layer;
}

function layerNorm(
  file: Safetensors,
  prefix: string,
  { hidden_size, layer_norm_eps }: BertConfig,
): LayerNorm {
  const layer = new LayerNorm(hidden_size, layer_norm_eps);
  layer.parameters['weight'].data.set((file.tensor(`${prefix}.weight`) as FloatTensor).data);
  layer.parameters['bias'].data.set((file.tensor(`${prefix}.bias`) as FloatTensor).data);
  return layer;
}

/** The mean of each text's rows, scaled to length 1: `[B, L, E]` → `[B, E]`. */
function meanOfRows(x: FloatTensor, lengths: readonly number[]): FloatTensor {
  const [batch, length, width] = x.shape;
  const result = zeros([batch, width]);
  lengths.forEach((rows, b) => {
    const mean = Float64Array.from({ length: width }, (_, e) => {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += x.data[(b * length + i) * width + e];
      return sum / rows;
    });
    const norm = Math.hypot(...mean);
    result.data.set(
      mean.map((value) => value / norm),
      b * width,
    );
  });
  return result;
}
