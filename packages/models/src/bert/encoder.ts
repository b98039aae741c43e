import {
  type AttentionBackend,
  HeedError,
  type PlainTensorLike,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
} from '@heed/core';
import { abortSignal, array, assertBackend, checkOptions, integer, listOf, zeros } from '@heed/core/backend';
import { LayerNorm } from '@heed/layers';
import type { HubFiles } from '../decoder/decoder.ts';
import { EncoderBlock, type EncoderStep, runBlocks } from '../encoder/block.ts';
import { NormOnEngine } from '../engine/norm.ts';
import { type Capture, type Change, Hooks } from '../inside/hooks.ts';
import { checkTokens } from '../tokenizer/check-tokens.ts';
import { WeightReader, checkWeight, refuseOthers } from '../weights/source.ts';
import { type EncoderConfig, encoderConfigOf } from './config.ts';

type Float32 = Tensor<'float32'>;

/** Options of {@link Encoder}'s `run()`. */
export interface EncoderRunOptions extends RunOptions {
  /** The number of tokens of each text, where texts of a batch are padded at the right. Default L. */
  readonly counts?: readonly number[] | undefined;
  /** int32 `[B, L]`: which text of a pair each token is of. Default 0. */
  readonly types?: PlainTensorLike | undefined;
  /** Parts to return. Default: none. */
  readonly capture?: readonly Capture[] | undefined;
  /** Parts to replace. Default: none. */
  readonly change?: readonly Change[] | undefined;
}

/** Results of {@link Encoder}'s `run()` on ids `[B, L]`. */
export interface EncoderResults {
  /** The last layer's output, `[B, L, E]`; rows of padding may be anything. */
  readonly tokens: Tensor<'float32'>;
  /** One for each capture, in their order. */
  readonly captured: readonly Tensor<'float32'>[];
}

interface Parts {
  readonly words: Float32;
  readonly positions: Float32;
  readonly types: Float32;
  readonly norm: LayerNorm;
  readonly normThere: NormOnEngine;
  readonly blocks: readonly EncoderBlock[];
}

/** Tensors of heads behind an encoder, which are left out. */
const BEHIND = /^((bert|roberta)\.)?(pooler\.|cls\.|lm_head\.|classifier\.|qa_outputs\.)/;

/**
 * A trained encoder of texts: BERT (Devlin et al. 2019), RoBERTa (Liu et al. 2019) or XLM-RoBERTa. Attention runs on the backend, and
 * so do projections where it offers `linear`.
 */
export class Encoder {
  readonly config: EncoderConfig;
  readonly #backend: AttentionBackend;
  readonly #parts: Parts;

  private constructor(backend: AttentionBackend, config: EncoderConfig, parts: Parts) {
    this.config = config;
    this.#backend = backend;
    this.#parts = parts;
  }

  /**
   * Reads a model. A pooler, classifier or head of another kind behind it is left out.
   *
   * @throws HeedError `UNSUPPORTED` for a configuration that would be computed wrongly; `MISSING_INPUT`, `UNEXPECTED_INPUT` or
   * `SHAPE` where weights and configuration do not agree; what reading throws.
   */
  static async load(backend: AttentionBackend, files: HubFiles): Promise<Encoder> {
    assertBackend(backend);
    const config = encoderConfigOf(files?.config);
    const reader = new WeightReader(files.weights, `${config.kind}.`);
    for (const name of files.weights.names) if (BEHIND.test(name)) reader.skip(name);
    const parts = await readParts(config, reader);
    reader.finish();
    return new Encoder(backend, config, parts);
  }

  /** The same weights on another backend. */
  on(backend: AttentionBackend): Encoder {
    assertBackend(backend);
    return new Encoder(backend, this.config, this.#parts);
  }

  /**
   * Runs texts through the model.
   *
   * @param ids int32 `[B, L]`, with the tokens that begin and end a text; ids of padding may be any that the model has.
   * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws; the signal's reason.
   */
  async run(ids: PlainTensorLike, options: EncoderRunOptions = {}): Promise<EncoderResults> {
    checkOptions('run()', options, {
      counts: listOf(integer(1)),
      types: true,
      capture: array,
      change: array,
      signal: abortSignal,
    });
    const { vocabulary, types: kinds } = this.config;
    const tokens = idsOf('ids', ids, vocabulary);
    const [batch, length] = tokens.shape as [number, number];
    const types = options.types === undefined ? null : idsOf('types', options.types, kinds);
    this.#check(tokens, types, options.counts);
    const { capture = [], change = [], signal } = options;
    const run = signal === undefined ? {} : { signal };
    const isPadded = options.counts?.some((count) => count < length) ?? false;
    const counts = isPadded ? options.counts : undefined;
    const hooks = new Hooks(this.config, { batch, queries: length, keys: length }, capture, change);
    const { blocks } = this.#parts;
    const step = { backend: this.#backend, counts, hooks, run };
    const input = await this.#normed(this.#embed(tokens, types), step);
    const stream = await runBlocks(blocks, input, step);
    return { tokens: stream, captured: hooks.results() };
  }

  /** The norm of embeddings: in the backend's memory if the first layer is there. */
  async #normed(embedded: Float32, step: EncoderStep): Promise<Float32 | ResidentTensor<'float32'>> {
    const { norm, normThere, blocks } = this.#parts;
    if (!blocks[0]?.staysOn(step)) return norm.forward(embedded) as Float32;
    const uploaded = await this.#backend.upload(embedded);
    try {
      return await normThere.forward(this.#backend, uploaded, step.run);
    } finally {
      uploaded.dispose();
    }
  }

  #check(
    { shape: [batch, length] }: Tensor<'int32'>,
    types: Tensor<'int32'> | null,
    counts: readonly number[] | undefined,
  ): void {
    const { positions } = this.config;
    if (length! > positions) {
      throw new HeedError('ARGUMENT', `the text has ${length} tokens; expected at most ${positions}`, {
        remedy: 'shorten the text',
      });
    }
    if (types !== null && types.shape.join() !== `${batch},${length}`) {
      throw new HeedError('SHAPE', `types are [${types.shape.join(', ')}]; expected [${batch}, ${length}]`, {
        remedy: 'give one for each id',
      });
    }
    if (counts === undefined || (counts.length === batch && counts.every((count) => count <= length!)))
      return;
    throw new HeedError(
      'SHAPE',
      `counts are [${counts.join(', ')}]; expected ${batch} of them, up to ${length}`,
      { remedy: 'give the number of tokens of each text' },
    );
  }

  #embed(ids: Tensor<'int32'>, types: Tensor<'int32'> | null): Float32 {
    const { width, firstPosition } = this.config;
    const { data: words } = this.#parts.words;
    const { data: positions } = this.#parts.positions;
    const { data: kinds } = this.#parts.types;
    const length = ids.shape[1]!;
    const stream = zeros('float32', [...ids.shape, width]);
    const { data } = stream;
    for (let n = 0; n < ids.data.length; n++) {
      const [word, place] = [ids.data[n]! * width, (firstPosition + (n % length)) * width];
      const [to, type] = [n * width, (types?.data[n] ?? 0) * width];
      for (let e = 0; e < width; e++) {
        data[to + e] = words[word + e] + positions[place + e] + kinds[type + e];
      }
    }
    return stream;
  }
}

function idsOf(name: string, given: PlainTensorLike, count: number): Tensor<'int32'> {
  const ids = checkTokens(name, given);
  const wrong = ids.data.find((id) => id < 0 || id >= count);
  if (wrong === undefined) return ids;
  throw new HeedError('ARGUMENT', `${name} have ${wrong}; expected 0…${count - 1}`, {
    remedy: 'take tokenizer.json and model.safetensors of the same model',
  });
}

async function readParts(config: EncoderConfig, reader: WeightReader): Promise<Parts> {
  const { width, vocabulary, positions, firstPosition, types, epsilon, layers } = config;
  const {
    'word_embeddings.weight': words,
    'position_embeddings.weight': places,
    'token_type_embeddings.weight': kinds,
    'LayerNorm.weight': weight,
    'LayerNorm.bias': bias,
    ...others
  } = await reader.under('embeddings.');
  checkWeight('embeddings.word_embeddings.weight', words, [vocabulary, width]);
  checkWeight('embeddings.position_embeddings.weight', places, [positions + firstPosition, width]);
  checkWeight('embeddings.token_type_embeddings.weight', kinds, [types, width]);
  checkWeight('embeddings.LayerNorm.weight', weight, [width]);
  checkWeight('embeddings.LayerNorm.bias', bias, [width]);
  refuseOthers('embeddings.', others);
  const norm = new LayerNorm({ embedDim: width, epsilon });
  norm.loadStateDict({ weight, bias });
  const blocks: EncoderBlock[] = [];
  for (let layer = 0; layer < layers; layer++) {
    blocks.push(new EncoderBlock(config, layer, await reader.under(`encoder.layer.${layer}.`)));
  }
  const normThere = new NormOnEngine({ weight, bias }, epsilon);
  return { words, positions: places, types: kinds, norm, normThere, blocks };
}
