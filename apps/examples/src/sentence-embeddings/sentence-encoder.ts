import { type AttentionBackend, tensor } from '@heed/core';
import { type FloatTensor, readSafetensors } from '@heed/layers';
import { Tokenizer } from '@huggingface/tokenizers';
import { BertEncoder } from '../bert/bert.ts';
import { idsOf, zeros } from '../tensors.ts';

/** Fields of the model's config.json that the encoder needs. */
export interface BertConfig {
  readonly layer_norm_eps: number;
  readonly max_position_embeddings: number;
  readonly num_attention_heads: number;
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

/**
 * A BERT encoder (Devlin et al. 2019) with mean pooling, such as sentence-transformers/all-MiniLM-L6-v2: sentences
 * in, vectors of length 1 out. Attention runs on any backend, everything else here.
 */
export class SentenceEncoder {
  readonly #config: BertConfig;
  readonly #tokenizer: Tokenizer;
  readonly #encoder: BertEncoder;

  constructor({ config, weights, tokenizer, tokenizerConfig }: ModelFiles) {
    this.#config = config;
    this.#tokenizer = new Tokenizer(tokenizer, tokenizerConfig);
    this.#encoder = new BertEncoder(readSafetensors(weights), {
      heads: config.num_attention_heads,
      epsilon: config.layer_norm_eps,
    });
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
    const padded = ids.flatMap((row) => [...row, ...Array<number>(length - row.length).fill(0)]);
    const states = await this.#encoder.states(backend, idsOf(padded, [ids.length, length]), keyMask);
    return meanOfRows(
      states.at(-1)!,
      ids.map((row) => row.length),
    );
  }
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
