import { type AttentionBackend, HeedError, type Tensor } from '@heed/core';
import { openSafetensors } from '@heed/layers';
import { type Capture, Encoder } from '@heed/models';
import { Tokenizer } from '@huggingface/tokenizers';

/** Files of a model, recognized by their names. */
export interface ModelFiles {
  /** `….safetensors`. */
  readonly weights: Blob;
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

const WORDS = 'embeddings.word_embeddings.weight';
const PARTS = ['query', 'key', 'value'] as const;

/** A BERT encoder (Devlin et al. 2019) that returns the inputs of each layer's attention. */
export class Bert {
  readonly heads: number;
  readonly layerCount: number;
  readonly #tokenizer: Tokenizer;
  readonly #encoder: Encoder;

  private constructor(encoder: Encoder, tokenizer: Tokenizer) {
    this.heads = encoder.config.heads;
    this.layerCount = encoder.config.layers;
    this.#encoder = encoder;
    this.#tokenizer = tokenizer;
  }

  /** @throws HeedError what reading throws; `ARGUMENT` for a model that is not a BERT. */
  static async load(
    backend: AttentionBackend,
    { weights: blob, tokenizer, config = {} }: ModelFiles,
    options: ModelOptions = {},
  ): Promise<Bert> {
    const weights = await openSafetensors(blob);
    const words = weights.names.find((name) => name.endsWith(WORDS));
    if (words === undefined) {
      throw new HeedError('ARGUMENT', `the file has no ${WORDS}: it is not a BERT`, {
        remedy: 'take the model.safetensors of a BERT, such as sentence-transformers/all-MiniLM-L6-v2',
      });
    }
    const prefix = words.slice(0, -WORDS.length);
    const said: Config = config;
    checkKind(prefix, said, tokenizer);
    const shape = (name: string): readonly number[] => weights.describe(prefix + name).shape;
    const [vocabulary, width] = shape(WORDS) as [number, number];
    const layers = weights.names.filter((name) =>
      /encoder\.layer\.\d+\.output\.dense\.bias$/.test(name),
    ).length;
    // Shapes tell what a file without a configuration does not.
    const told = {
      model_type: 'bert',
      vocab_size: vocabulary,
      hidden_size: width,
      num_hidden_layers: layers,
      intermediate_size: shape('encoder.layer.0.intermediate.dense.weight')[0],
      max_position_embeddings: shape('embeddings.position_embeddings.weight')[0],
      type_vocab_size: shape('embeddings.token_type_embeddings.weight')[0],
    };
    const heads = headsOf(width, said.num_attention_heads ?? options.heads);
    const encoder = await Encoder.load(backend, {
      config: { ...told, ...config, num_attention_heads: heads },
      weights,
    });
    return new Bert(encoder, new Tokenizer(tokenizer, {}));
  }

  /** Returns the tokens of a text, and the inputs of every layer's attention. */
  async run(
    backend: AttentionBackend,
    text: string,
  ): Promise<{ readonly tokens: readonly string[]; readonly layers: readonly LayerInputs[] }> {
    const { ids, tokens } = this.#tokenizer.encode(text);
    if (ids.length > LONGEST) {
      throw new HeedError('ARGUMENT', `the text has ${ids.length} tokens; expected at most ${LONGEST}`, {
        remedy: 'give a shorter text',
      });
    }
    const capture = Array.from({ length: this.layerCount }, (_, layer) =>
      PARTS.map((what): Capture => ({ layer, what })),
    ).flat();
    const { captured } = await this.#encoder.on(backend).run([[...ids]], { capture });
    const layers = Array.from({ length: this.layerCount }, (_, layer): LayerInputs => {
      const [query, key, value] = captured.slice(3 * layer) as [
        Tensor<'float32'>,
        Tensor<'float32'>,
        Tensor<'float32'>,
      ];
      return { layer, scale: 1 / Math.sqrt(query.shape[3]!), query, key, value };
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
  const list = differences.map(([what, given, expected]) => `${what} is ${given}; expected ${expected}`);
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
