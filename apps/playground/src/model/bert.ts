import { type AttentionBackend, HeedError, type Tensor, tensor } from '@heed/core';
import { BertEncoder, bertPrefix } from '@heed/examples/bert';
import { readSafetensors } from '@heed/layers';
import { Tokenizer } from '@huggingface/tokenizers';

/** Files of a model, recognized by their names. */
export interface ModelFiles {
  /** `….safetensors`. */
  readonly weights: Uint8Array;
  /** tokenizer.json. */
  readonly tokenizer: object;
  /** config.json, which knows the number of heads; the weights do not. */
  readonly config?: object;
}

/** Fields of config.json that are used here. */
interface Config {
  readonly model_type?: string;
  readonly hidden_act?: string;
  readonly position_embedding_type?: string;
  readonly num_attention_heads?: number;
  readonly layer_norm_eps?: number;
}

export interface ModelOptions {
  /** Number of heads, for files that do not tell it. */
  readonly heads?: number;
}

/** Inputs and options of one layer's attention. */
export interface LayerInputs {
  readonly layer: number;
  readonly scale: number;
  /** `[1, H, L, D]`. */
  readonly query: Tensor<'float32'>;
  readonly key: Tensor<'float32'>;
  readonly value: Tensor<'float32'>;
}

/** Largest number of tokens: a longer text is cut, since its heatmap would not be legible. */
const LONGEST = 128;

/** A BERT encoder (Devlin et al. 2019) that returns the inputs of each layer's attention. */
export class Bert {
  readonly heads: number;
  readonly layerCount: number;
  readonly #tokenizer: Tokenizer;
  readonly #encoder: BertEncoder;

  /** @throws HeedError what {@link readSafetensors} throws; `ARGUMENT` for a model that is not a BERT. */
  constructor({ weights, tokenizer, config = {} }: ModelFiles, options: ModelOptions = {}) {
    const file = readSafetensors(weights);
    const prefix = bertPrefix(file);
    const said: Config = config;
    checkKind(prefix, said, tokenizer);
    const [, width] = file.tensor(`${prefix}embeddings.word_embeddings.weight`).shape as [number, number];
    this.heads = headsOf(width, said.num_attention_heads ?? options.heads);
    this.#encoder = new BertEncoder(file, {
      heads: this.heads,
      ...(said.layer_norm_eps !== undefined && { epsilon: said.layer_norm_eps }),
    });
    this.layerCount = this.#encoder.layerCount;
    this.#tokenizer = new Tokenizer(tokenizer, {});
  }

  /** Returns the tokens of a text, and the inputs of every layer's attention. */
  async run(
    backend: AttentionBackend,
    text: string,
  ): Promise<{ readonly tokens: readonly string[]; readonly layers: readonly LayerInputs[] }> {
    const { ids, tokens } = this.#tokenizer.encode(text);
    if (ids.length > LONGEST) {
      throw new HeedError('ARGUMENT', `the text has ${ids.length} tokens, the page takes ${LONGEST}`, {
        remedy: 'give a shorter text',
      });
    }
    const unknown = [...ids].find((id: number) => !(id < this.#encoder.vocabulary));
    if (unknown !== undefined) {
      throw new HeedError(
        'ARGUMENT',
        `the tokenizer gives the token ${unknown}, the model has ${this.#encoder.vocabulary}`,
        {
          remedy: 'take tokenizer.json and model.safetensors from the same model',
        },
      );
    }
    const states = await this.#encoder.states(backend, tensor(Int32Array.from(ids), [1, ids.length]));
    const layers = states.slice(0, -1).map((state, layer): LayerInputs => {
      const inputs = this.#encoder.projections(layer, state);
      return { layer, scale: 1 / Math.sqrt(inputs.query.shape[3]!), ...inputs };
    });
    return { tokens: [...tokens], layers };
  }
}

/**
 * Refuses other models. RoBERTa and others have tensors of the same names, but count positions, split words or activate
 * differently: computed as a BERT, they would give weights that are wrong but look right.
 *
 * @throws HeedError `ARGUMENT`.
 */
function checkKind(prefix: string, config: Config, tokenizer: object): void {
  const { model_type: kind, hidden_act: activation, position_embedding_type: positions } = config;
  const { model } = tokenizer as { model?: { type?: string } };
  const differences = [
    ['model_type', kind ?? 'bert', 'bert'],
    ['hidden_act', activation ?? 'gelu', 'gelu'],
    ['position_embedding_type', positions ?? 'absolute', 'absolute'],
    ['the prefix of the tensors', prefix === '' ? 'bert.' : prefix, 'bert.'],
    ['the kind of tokenizer', model?.type ?? 'WordPiece', 'WordPiece'],
  ].filter(([, given, expected]) => given !== expected);
  if (differences.length === 0) return;
  const list = differences.map(([what, given, expected]) => `${what} is ${given}, expected ${expected}`);
  throw new HeedError('ARGUMENT', `the model is not a BERT: ${list.join('; ')}`, {
    remedy: 'take the files of a BERT, such as sentence-transformers/all-MiniLM-L6-v2',
  });
}

function headsOf(width: number, heads: number | undefined): number {
  if (heads !== undefined && Number.isInteger(heads) && heads > 0 && width % heads === 0) return heads;
  throw new HeedError(
    'ARGUMENT',
    heads === undefined
      ? 'the files do not say how many heads there are'
      : `${heads} heads do not divide ${width}`,
    { remedy: "add the model's config.json, or set the number of heads" },
  );
}
