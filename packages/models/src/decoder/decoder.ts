import {
  type AttentionBackend,
  HeedError,
  type PlainTensorLike,
  type RunOptions,
  type Tensor,
} from '@heed/core';
import {
  abortSignal,
  array,
  assertBackend,
  checkOptions,
  integer,
  listOf,
  nextTurn,
  oneOf,
  shown,
  zeros,
} from '@heed/core/backend';
import type { FloatTensorLike } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { configOfGGUF } from '../config/gguf.ts';
import { configOfHub } from '../config/hub.ts';
import type { GGUFFile } from '../gguf/open.ts';
import { type Capture, type Change, Hooks } from '../inside/hooks.ts';
import { checkTokens } from '../tokenizer/check-tokens.ts';
import { weightsOfGGUF } from '../weights/gguf.ts';
import type { WeightSource } from '../weights/source.ts';
import type { DecoderCache, DecoderCacheOptions } from './cache.ts';
import type { Group, Look, TurnedGroup } from './group.ts';
import { logProbabilitiesOf } from './log-probabilities.ts';
import type { DecoderPages, DecoderPagesOptions } from './pages.ts';
import { type DecoderParts, embed, readParts } from './parts.ts';
import { anglesOf } from './rotary.ts';
import { TextPages, createPages } from './text-pages.ts';
import { TextRows, createRows } from './text-rows.ts';
import { type TextResults, type TextTokens, scoredRows, splitRows, tokensOf } from './texts.ts';
import { throughBlocks } from './through-blocks.ts';

/** A model's files, as its page on the hub has them. */
export interface HubFiles {
  /** The parsed config.json. */
  readonly config: object;
  /** Result of `openSafetensors` or `openSafetensorsShards` of `@heed/layers`. */
  readonly weights: WeightSource;
}

/** Options of {@link Decoder}'s `run()`. */
export interface DecoderRunOptions extends RunOptions {
  /** Keeps the tokens so far. Default: the run begins a new text. */
  readonly cache?: DecoderCache | undefined;
  /**
   * The number of tokens of each text, where texts of a batch are padded at the right. A text of 0 tokens stays as it is, and its
   * scores may be anything. Default L.
   */
  readonly counts?: readonly number[] | undefined;
  /** Scores of the next token: after each text's last token, after each token, or none. Default `last`. */
  readonly logits?: 'last' | 'all' | 'none' | undefined;
  /** Parts to return. Default: none; nothing else is kept. */
  readonly capture?: readonly Capture[] | undefined;
  /** Parts to replace. Default: none. */
  readonly change?: readonly Change[] | undefined;
}

/** Results of {@link Decoder}'s `run()` on ids `[B, L]`. */
export interface DecoderResults {
  /** `[B, 1, V]` for `last`, `[B, L, V]` for `all`, `[B, 0, V]` for `none`. */
  readonly logits: Tensor<'float32'>;
  /** One for each capture, in their order. */
  readonly captured: readonly Tensor<'float32'>[];
}

/** Rows of scores that are computed at once. */
const ROWS = 32;

/**
 * A trained decoder: GPT-2, Llama, Qwen2 or Qwen3. Attention and projections run on the backend, with weights as their file
 * stores them where the backend takes them so (`capabilities.weightTypes`); else in float32, four bytes for each number. On a
 * backend without `linear`, `@heed/layers` computes the projections.
 */
export class Decoder {
  readonly config: DecoderConfig;
  readonly #backend: AttentionBackend;
  readonly #parts: DecoderParts;

  private constructor(backend: AttentionBackend, config: DecoderConfig, parts: DecoderParts) {
    this.config = config;
    this.#backend = backend;
    this.#parts = parts;
  }

  /**
   * Reads a model: a GGUF file, or config.json and safetensors.
   *
   * @throws HeedError `UNSUPPORTED` for a configuration that would be computed wrongly; `MISSING_INPUT`, `UNEXPECTED_INPUT` or
   * `SHAPE` where weights and configuration do not agree; what reading throws.
   */
  static async load(backend: AttentionBackend, files: GGUFFile | HubFiles): Promise<Decoder> {
    assertBackend(backend);
    if (typeof files === 'object' && files !== null && 'metadata' in files) {
      const config = configOfGGUF(files);
      return new Decoder(backend, config, await readParts(config, weightsOfGGUF(files, config)));
    }
    const config = configOfHub(files?.config);
    const source = files.weights;
    return new Decoder(backend, config, await readParts(config, source));
  }

  /** The same weights on another backend. */
  on(backend: AttentionBackend): Decoder {
    assertBackend(backend);
    return new Decoder(backend, this.config, this.#parts);
  }

  /** An empty cache. @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; `OUT_OF_MEMORY`. */
  async cache(options: DecoderCacheOptions = {}): Promise<DecoderCache> {
    return createRows(this.#backend, this.config, options);
  }

  /**
   * Pages for texts that come and go, which {@link step} runs.
   *
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; `UNSUPPORTED` where the backend lacks `pages` or the type; `OUT_OF_MEMORY`.
   */
  async pages(options: DecoderPagesOptions): Promise<DecoderPages> {
    return createPages(this.#backend, this.config, options);
  }

  /**
   * Runs tokens of some of the texts in pages, as many of each as there are, which join the text. One step of the same pages at a time.
   * On a backend with the guarantee `batch`, results do not depend on the other texts, to the bit.
   *
   * @param texts each once; others wait.
   * @returns the scores of each and what it captures, in their order.
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; `OUT_OF_MEMORY` where no page is free; what the backend throws; the signal's reason.
   *   The texts then have what they had.
   */
  async step(
    pages: DecoderPages,
    texts: readonly TextTokens[],
    { signal, ...others }: RunOptions = {},
  ): Promise<readonly TextResults[]> {
    checkOptions('step()', { signal, ...others }, { signal: abortSignal });
    if (!(pages instanceof TextPages) || !pages.fits(this.config)) {
      throw new HeedError('ARGUMENT', `step(): the pages are ${shown(pages)}; expected those of this model`, {
        clause: 'pages',
        remedy: 'make them: await model.pages({ pages: 256 })',
      });
    }
    const run = signal === undefined ? {} : { signal };
    return pages.append(texts, async ({ groups, places, positions }) => {
      if (texts.length === 0) return [];
      const turned = groups.map((group) => this.#turned(group));
      const looks = places.map(({ group, from }, n): Look => {
        const { ids, capture = [] } = texts[n]!;
        const shape = { batch: 1, queries: ids.length, keys: 0 };
        return { hooks: new Hooks(this.config, shape, capture, []), group: turned[group]!, from, count: 1 };
      });
      const tokens = tokensOf(texts);
      const step = {
        backend: this.#backend,
        groups: turned,
        looks,
        tokens: tokens.data.length,
        isPaged: true,
        run,
      };
      const stream = await throughBlocks(this.#parts.blocks, embed(this.#parts, tokens, positions), step);
      const rows = scoredRows(stream, texts);
      const isScored = rows.data.length > 0;
      const scores = isScored ? await this.logits(rows, run) : zeros('float32', [0, this.config.vocabulary]);
      return splitRows(scores, texts).map((logits, n) => ({ logits, captured: looks[n]!.hooks.results() }));
    });
  }

  /** A group with the angles of its tokens. */
  #turned(group: Group): TurnedGroup {
    const { rotary, headDim } = this.config;
    return { ...group, angles: rotary === null ? null : anglesOf(rotary, headDim, group.positions) };
  }

  /**
   * Runs tokens through the model. With a cache they follow and join those that it keeps.
   *
   * @param ids int32 `[B, L]`; ids of padding may be any.
   * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws. The cache then keeps what it had.
   */
  async run(ids: PlainTensorLike, options: DecoderRunOptions = {}): Promise<DecoderResults> {
    checkOptions('run()', options, {
      cache: true,
      counts: listOf(integer(0)),
      logits: oneOf('last', 'all', 'none'),
      capture: array,
      change: array,
      signal: abortSignal,
    });
    const tokens = checkTokens('ids', ids);
    const [batch, length] = tokens.shape as [number, number];
    const { cache: kept, counts = Array<number>(batch).fill(length), logits = 'last', signal } = options;
    this.#checkRoom(kept, tokens.shape, counts);
    const before = kept?.lengths ?? Array<number>(batch).fill(0);
    const keys = Math.max(...before.map((from, b) => from + counts[b]));
    const shape = { batch, queries: length, keys };
    const hooks = new Hooks(this.config, shape, options.capture ?? [], options.change ?? []);
    const cache = (kept ?? (await this.cache({ batch, capacity: length }))) as TextRows;
    const run = signal === undefined ? {} : { signal };
    try {
      const group = this.#turned(cache.groupOf(length, counts));
      const step = {
        backend: this.#backend,
        groups: [group],
        looks: [{ hooks, group, from: 0, count: batch }],
        tokens: counts.reduce((sum, count) => sum + count, 0),
        isPaged: false,
        run,
      };
      const { blocks } = this.#parts;
      const stream = await throughBlocks(blocks, embed(this.#parts, tokens, group.positions), step);
      const rows = logits === 'all' ? stream : logits === 'last' ? lastRows(stream, counts) : null;
      const scores =
        rows === null ? zeros('float32', [batch, 0, this.config.vocabulary]) : await this.logits(rows, run);
      cache.advance(counts);
      return { logits: scores, captured: hooks.results() };
    } finally {
      if (kept === undefined) cache.dispose();
    }
  }

  /**
   * The scores that follow from a stream `[…, E]`, normalized: of the last layer they are the model's, of another its logit lens
   * (nostalgebraist, "Interpreting GPT: the logit lens", 2020).
   *
   * @returns `[…, V]`.
   * @throws HeedError `SHAPE` or `DTYPE`; the signal's reason.
   */
  async logits(residual: FloatTensorLike, { signal }: RunOptions = {}): Promise<Tensor<'float32'>> {
    const { norm, head } = this.#parts;
    const normalized = norm.forward(residual) as Tensor<'float32'>;
    const run = signal === undefined ? {} : { signal };
    const { vocabulary, width } = this.config;
    const count = normalized.data.length / width;
    if (count <= ROWS) return head.forward(this.#backend, normalized, run);
    const result = zeros('float32', [...normalized.shape.slice(0, -1), vocabulary]);
    for (let row = 0; row < count; row += ROWS) {
      const end = Math.min(row + ROWS, count);
      const data = normalized.data.subarray(row * width, end * width);
      const part = { dtype: 'float32', shape: [end - row, width], data } as const;
      result.data.set((await head.forward(this.#backend, part, run)).data, row * vocabulary);
      await nextTurn();
      signal?.throwIfAborted();
    }
    return result;
  }

  /**
   * The natural logarithm of the probability that the model gives to each token of a text after those before it.
   *
   * @param ids of one text, two at least.
   * @returns as many as there are ids, less one.
   * @throws HeedError `ARGUMENT`; as `run` does.
   */
  async likelihoods(
    ids: readonly number[],
    options: Pick<DecoderRunOptions, 'change' | 'signal'> = {},
  ): Promise<Float64Array> {
    checkOptions('likelihoods()', options, { change: array, signal: abortSignal });
    checkOptions('likelihoods()', { ids }, { ids: { ...listOf(integer(0)), required: true } });
    if (ids.length < 2) {
      throw new HeedError('ARGUMENT', `likelihoods(): there are ${ids.length} ids; expected 2 or more`, {
        remedy: 'give at least 2: the first token has no probability, since nothing stands before it',
      });
    }
    const last = this.config.layers - 1;
    const capture = [{ layer: last, what: 'residual' }] as const;
    const { captured } = await this.run([ids], { ...options, logits: 'none', capture });
    const { width, vocabulary } = this.config;
    const result = new Float64Array(ids.length - 1);
    for (let row = 0; row < result.length; row += ROWS) {
      const end = Math.min(row + ROWS, result.length);
      const part = { data: captured[0].data.subarray(row * width, end * width), shape: [end - row, width] };
      const { data } = await this.logits(part, options);
      for (let n = row; n < end; n++) {
        const scores = data.subarray((n - row) * vocabulary, (n - row + 1) * vocabulary);
        result[n] = logProbabilitiesOf(scores)[ids[n + 1]];
      }
    }
    return result;
  }

  #checkRoom(
    cache: DecoderCache | undefined,
    [batch, length]: readonly number[],
    counts: readonly number[],
  ): void {
    if (counts.length !== batch || counts.some((count) => count > length)) {
      throw new HeedError(
        'SHAPE',
        `counts are [${counts.join(', ')}]; expected ${batch} of them, up to ${length}`,
        {
          remedy: 'give the number of tokens of each text',
        },
      );
    }
    const isOurs = (given: DecoderCache): boolean => given instanceof TextRows && given.fits(this.config);
    if (cache !== undefined && (!isOurs(cache) || cache.batch !== batch)) {
      throw new HeedError('ARGUMENT', `the cache is not one of cache() of this model for ${batch} texts`, {
        remedy: `await model.cache({ batch: ${batch} })`,
      });
    }
    const room = cache?.capacity ?? this.config.positions;
    // Writes padding too, behind the text's own tokens; what follows overwrites it.
    const needed = length + Math.max(...(cache?.lengths ?? [0]));
    if (needed <= room) return;
    throw new HeedError(
      'ARGUMENT',
      `the longest text has ${needed} tokens with its padding; expected at most ${room}`,
      {
        remedy: 'shorten the text, or make the cache with a higher capacity',
      },
    );
  }
}

/** `[B, L, E]` → `[B, 1, E]`: of each text the row of its last token; zeros where it has none. */
function lastRows({ shape, data }: Tensor<'float32'>, counts: readonly number[]): Tensor<'float32'> {
  const [batch, length, width] = shape;
  const result = zeros('float32', [batch, 1, width]);
  counts.forEach((count, b) => {
    if (count === 0) return;
    const from = (b * length + count - 1) * width;
    result.data.set(data.subarray(from, from + width), b * width);
  });
  return result;
}
