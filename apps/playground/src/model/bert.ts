import { type AttentionBackend, HeedError, tensor } from '@heed/core';
import { Linear, MultiHeadAttention, type Safetensors, readSafetensors } from '@heed/layers';
import { Tokenizer } from '@huggingface/tokenizers';
import { type Matrix, gelu, layerNorm, plus, splitHeads } from './network.ts';

/** Files of a model, as people have them: told apart by their names. */
export interface ModelFiles {
  /** `….safetensors`. */
  readonly weights: Uint8Array;
  /** tokenizer.json. */
  readonly tokenizer: object;
  /** config.json, which knows the number of heads; the weights do not. */
  readonly config?: object;
}

/** What config.json says that matters here. */
interface Config {
  readonly model_type?: string;
  readonly hidden_act?: string;
  readonly position_embedding_type?: string;
  readonly num_attention_heads?: number;
  readonly layer_norm_eps?: number;
}

export interface ModelOptions {
  /** Where the files do not say it. */
  readonly heads?: number;
}

/** What one layer's attention is computed from, and with what. */
export interface LayerInputs {
  readonly layer: number;
  readonly scale: number;
  /** `[1, H, L, D]`. */
  readonly query: Matrix;
  readonly key: Matrix;
  readonly value: Matrix;
}

interface EncoderLayer {
  readonly attention: MultiHeadAttention;
  readonly projections: Readonly<Record<'query' | 'key' | 'value', Linear>>;
  readonly widen: Linear;
  readonly narrow: Linear;
  readonly norms: readonly [Norm, Norm];
}

type Norm = (x: Matrix) => Matrix;

const WORDS = 'embeddings.word_embeddings.weight';
/** Longer texts are cut: their heatmap would be no picture of words. */
const LONGEST = 128;

/** A BERT encoder (Devlin et al. 2019) that tells what each layer attends with. */
export class Bert {
  readonly heads: number;
  readonly layerCount: number;
  readonly #tokenizer: Tokenizer;
  readonly #embeddings: readonly Matrix[];
  readonly #norm: Norm;
  readonly #layers: readonly EncoderLayer[];

  /** @throws HeedError what {@link readSafetensors} throws; `ARGUMENT` for a model that is not a BERT. */
  constructor({ weights, tokenizer, config = {} }: ModelFiles, options: ModelOptions = {}) {
    const file = readSafetensors(weights);
    const words = file.names.find((name) => name.endsWith(WORDS));
    if (words === undefined) {
      throw new HeedError('ARGUMENT', `the file has no ${WORDS}: it is not a BERT`, {
        remedy: 'take the model.safetensors of a BERT, such as sentence-transformers/all-MiniLM-L6-v2',
      });
    }
    const prefix = words.slice(0, -WORDS.length);
    const said: Config = config;
    checkKind(prefix, said, tokenizer);
    const read = (name: string): Matrix => file.tensor(prefix + name) as Matrix;
    this.#embeddings = ['word', 'position', 'token_type'].map((kind) =>
      read(`embeddings.${kind}_embeddings.weight`),
    );
    const width = this.#embeddings[0]!.shape[1]!;
    this.heads = headsOf(width, said.num_attention_heads ?? options.heads);
    const epsilon = said.layer_norm_eps ?? 1e-12;
    this.#norm = normOf(read, 'embeddings.LayerNorm', epsilon);
    this.layerCount = countLayers(file, prefix);
    this.#layers = Array.from({ length: this.layerCount }, (_, n) =>
      this.#layer(file, prefix, `encoder.layer.${n}.`, width, epsilon),
    );
    this.#tokenizer = new Tokenizer(tokenizer, {});
  }

  #layer(file: Safetensors, prefix: string, name: string, width: number, epsilon: number): EncoderLayer {
    const read = (rest: string): Matrix => file.tensor(prefix + name + rest) as Matrix;
    const linear = (rest: string): Linear => {
      const [outputDim, inputDim] = read(`${rest}.weight`).shape as [number, number];
      const layer = new Linear({ inputDim, outputDim, random: () => 0 });
      layer.loadStateDict(file.stateDict(`${prefix}${name}${rest}.`));
      return layer;
    };
    const attention = new MultiHeadAttention({ embedDim: width, heads: this.heads, random: () => 0 });
    attention.loadStateDict(file.stateDict(`${prefix}${name}attention.`));
    return {
      attention,
      projections: {
        query: linear('attention.self.query'),
        key: linear('attention.self.key'),
        value: linear('attention.self.value'),
      },
      widen: linear('intermediate.dense'),
      narrow: linear('output.dense'),
      norms: [normOf(read, 'attention.output.LayerNorm', epsilon), normOf(read, 'output.LayerNorm', epsilon)],
    };
  }

  /** The tokens of a text, and what every layer attends with. */
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
    let x = this.#norm(this.#embed([...ids]));
    const layers: LayerInputs[] = [];
    for (const [n, { attention, projections, widen, narrow, norms }] of this.#layers.entries()) {
      const split = (layer: Linear): Matrix => splitHeads(layer.forward(x) as Matrix, this.heads);
      const [query, key, value] = [projections.query, projections.key, projections.value].map(split);
      const scale = 1 / Math.sqrt(query!.shape[3]!);
      layers.push({ layer: n, scale, query: query!, key: key!, value: value! });
      const { output } = await attention.forward(backend, { query: x });
      x = norms[0](plus(x, output as Matrix));
      x = norms[1](plus(x, narrow.forward(gelu(widen.forward(x) as Matrix)) as Matrix));
    }
    return { tokens: [...tokens], layers };
  }

  #embed(ids: readonly number[]): Matrix {
    const [words, positions, types] = this.#embeddings as [Matrix, Matrix, Matrix];
    const width = words.shape[1]!;
    const unknown = ids.find((id) => !(id < words.shape[0]!));
    if (unknown !== undefined) {
      throw new HeedError(
        'ARGUMENT',
        `the tokenizer gives the token ${unknown}, the model has ${words.shape[0]}`,
        {
          remedy: 'take tokenizer.json and model.safetensors from the same model',
        },
      );
    }
    const data = Float32Array.from({ length: ids.length * width }, (_, n) => {
      const [i, e] = [Math.floor(n / width), n % width];
      return words.data[ids[i]! * width + e]! + positions.data[n]! + types.data[e]!;
    });
    return tensor(data, [1, ids.length, width]);
  }
}

/**
 * RoBERTa and others have tensors of the same names, and count positions, cut words or activate in another way: computed
 * as a BERT, they would give weights that are wrong and look right.
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

function normOf(read: (name: string) => Matrix, name: string, epsilon: number): Norm {
  const [weight, bias] = [read(`${name}.weight`), read(`${name}.bias`)];
  return (x) => layerNorm(x, weight.data, bias.data, epsilon);
}

function countLayers({ names }: Safetensors, prefix: string): number {
  const first = `${prefix}encoder.layer.`;
  const numbers = names.flatMap((name) =>
    name.startsWith(first) ? [Number.parseInt(name.slice(first.length), 10)] : [],
  );
  return Math.max(-1, ...numbers) + 1;
}
