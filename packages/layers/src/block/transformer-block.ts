import { type AttentionBackend, type ComputeDType, HeedError } from '@heed/core';
import { ACTIVATIONS, checkOptions, flag, oneOf, required, text } from '@heed/core/backend';
import { SCOPE_NAMES } from '../attend.ts';
import { checkForward } from '../check-forward.ts';
import { dropout } from '../dropout.ts';
import { notAsked } from '../engine/kept.ts';
import { Norms } from '../engine/norms.ts';
import { FeedForward, partsOf as feedForwardParts } from '../feed-forward.ts';
import type { ForwardOnResults } from '../forward-on.ts';
import type { CacheOptions, KeyValuePools, PoolOptions } from '../multi-head-attention/cache/cache.ts';
import type { KeyValueCache } from '../multi-head-attention/cache/keys.ts';
import { withKeyMask } from '../masks.ts';
import { MultiHeadAttention, partsOf } from '../multi-head-attention/layer.ts';
import { LayerNorm } from '../norm/layer-norm.ts';
import { RMSNorm } from '../norm/rms-norm.ts';
import { FIRST_WEIGHTS, count, positive } from '../options.ts';
import { type NamedTensors, collectParameters } from '../parameters.ts';
import { leaveRaw } from '../reactive.ts';
import { blockOf } from '../state-dict/block.ts';
import { type StateDict, copyParameters, underPrefix } from '../state-dict/copy.ts';
import { type FloatTensorLike, type WithTensors, lastAxis, withTensors } from '../tensor-like.ts';
import { type FloatTensor, checkShape, sum } from '../tensors.ts';
import { blockOn, staysInBlock } from './on-engine.ts';
import type {
  TransformerBlockForwardOptions,
  TransformerBlockGradients,
  TransformerBlockInputs,
  TransformerBlockOptions,
  TransformerBlockResults,
} from './options.ts';

const INPUT_NAMES: Readonly<Record<keyof TransformerBlockInputs, true>> = {
  input: true,
  memory: true,
  memoryMask: true,
  bias: true,
  alibiSlopes: true,
  queryPositions: true,
  keyPositions: true,
  cache: true,
  ...SCOPE_NAMES,
};

/** A part of the block: what it adds to its input, and the way back. */
interface Branch {
  readonly output: FloatTensor;
  gradient(dOutput: FloatTensor): Promise<TransformerBlockGradients>;
}

type AttentionDropout = NonNullable<TransformerBlockForwardOptions['attentionDropout']>;

/** Results of attention that the type of a call cannot name, since they depend on the block's options. */
interface Everything {
  readonly weights: true;
  readonly gradient: true;
}

/** Streams of dropout, one for each place. */
const STREAMS = { attention: 0, cross: 1, feedForward: 2, hidden: 3 } as const;

/**
 * A block of a transformer: self-attention, with `cross` attention to a memory, and a feed-forward layer, each with a norm and
 * added to its input (Vaswani et al. 2017, section 3.1; pre-norm: Xiong et al., "On layer normalization in the transformer
 * architecture", 2020). By default an encoder's block; a decoder's with `causal: true` in its inputs.
 *
 * Parameters: those of its parts, under `attention.`, `attentionNorm.`, `cross.`, `crossNorm.`, `feedForward.` and
 * `feedForwardNorm.`
 *
 * @example
 * ```ts
 * import ts from '@heed/backend-ts';
 * import { TransformerBlock } from '@heed/layers';
 *
 * const block = new TransformerBlock({ embedDim: 4, heads: 2 });
 * const input = [[[1, 2, 3, 4], [4, 3, 2, 1]]]; // [B, L, E]
 * const { output, gradient } = await block.forward(await ts.create(), { input, causal: true }, { gradient: true });
 * const { dInput } = await gradient(output);
 * console.log(dInput.shape.join(' × ')); // 1 × 2 × 4
 * ```
 */
export class TransformerBlock {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #options: TransformerBlockOptions;
  readonly #dtype: ComputeDType;
  readonly #attention: MultiHeadAttention;
  readonly #attentionNorm: LayerNorm | RMSNorm;
  readonly #cross: { readonly attention: MultiHeadAttention; readonly norm: LayerNorm | RMSNorm } | null;
  readonly #feedForward: FeedForward;
  readonly #feedForwardNorm: LayerNorm | RMSNorm;
  /** Kernels of the norms on engines. */
  readonly #norms = new Norms();

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: TransformerBlockOptions) {
    checkOptions('TransformerBlock', options, {
      embedDim: required(count),
      heads: required(count),
      hiddenDim: count,
      attention: true,
      cross: flag,
      memoryDim: count,
      normFirst: flag,
      norm: oneOf('layer', 'rms'),
      epsilon: positive,
      activation: oneOf(...ACTIVATIONS),
      gated: flag,
      bias: flag,
      ...FIRST_WEIGHTS,
    });
    this.#options = options;
    const { embedDim, heads, attention, bias, dtype = 'float32', random, memoryDim = embedDim } = options;
    if (attention !== undefined) checkOptions('attention', attention, ATTENTION_NAMES);
    this.#dtype = dtype;
    const made = { dtype, ...(bias !== undefined && { bias }), ...(random && { random }) };
    const common = { embedDim, heads, ...made, ...attention };
    this.#attention = new MultiHeadAttention(common);
    this.#attentionNorm = this.#norm();
    // The memory has its own positions, or none: those of T5 and of rotary embeddings belong to self-attention.
    const { rotary: _, ...across } = { ...common, kdim: memoryDim, vdim: memoryDim };
    this.#cross = options.cross ? { attention: new MultiHeadAttention(across), norm: this.#norm() } : null;
    const { hiddenDim = 4 * embedDim, activation = 'gelu', gated = false } = options;
    this.#feedForward = new FeedForward({ embedDim, hiddenDim, activation, gated, ...made });
    this.#feedForwardNorm = this.#norm();
    this.parameters = collectParameters({
      attention: this.#attention,
      attentionNorm: this.#attentionNorm,
      ...(this.#cross && { cross: this.#cross.attention, crossNorm: this.#cross.norm }),
      feedForward: this.#feedForward,
      feedForwardNorm: this.#feedForwardNorm,
    });
  }

  /**
   * @param backend computes the attention and, where it offers `linear` with vector instructions, the projections, with their
   * gradients. Where it offers `linear.residual` and `norm`, too, a block of self-attention without rotary embeddings, norms of heads,
   * gate, cache and dropout stays in its memory from input to output, and until the gradient was computed. Elsewhere norms, sums and
   * dropout are computed here.
   * @throws HeedError as {@link MultiHeadAttention.forward} does; `MISSING_INPUT` or `UNEXPECTED_INPUT` for a memory that `cross`
   * does not agree with.
   */
  async forward<const O extends TransformerBlockForwardOptions = object>(
    backend: AttentionBackend,
    inputs: TransformerBlockInputs,
    options?: O,
  ): Promise<TransformerBlockResults<O>> {
    checkForward(backend, options, { dropout: true, attentionDropout: true });
    checkOptions('forward()', inputs, INPUT_NAMES);
    const { input, memory, memoryMask, ...scope } = withTensors<TransformerBlockInputs>(inputs, this.#dtype);
    checkShape('input', input, this.#dtype, [
      ['B', null],
      ['L', null],
      ['E', this.#options.embedDim],
    ]);
    this.#checkMemory(memory);
    const { dropout: dropped, attentionDropout, ...asked }: TransformerBlockForwardOptions = options ?? {};
    if (memory === undefined && this.#staysOn(backend, input, scope, asked.gradient, dropped !== undefined)) {
      const results = await this.#forwardOn(backend, input, scope, options ?? {});
      return results as unknown as TransformerBlockResults<O>;
    }
    const run = asked as Everything;
    const drop = (stream: keyof typeof STREAMS, value: FloatTensor): FloatTensor =>
      dropped === undefined ? value : dropout(value, { ...dropped, stream: STREAMS[stream] });
    const shown: { weights?: FloatTensor; crossWeights?: FloatTensor } = {};

    const attention = await this.#residual('attention', this.#attentionNorm, input, async (query) => {
      const selfRun = { ...run, ...(attentionDropout && { dropout: attentionDropout }) };
      const attended = await this.#attention.forward(backend, { query, ...scope }, selfRun);
      shown.weights = attended.weights;
      return {
        output: drop('attention', attended.output),
        gradient: async (dOutput) => {
          const { dQuery, dBias, parameters } = await attended.gradient(drop('attention', dOutput));
          return { dInput: dQuery, ...(dBias && { dBias }), parameters };
        },
      };
    });
    const cross =
      this.#cross &&
      (await this.#residual('cross', this.#cross.norm, attention.output, async (query) => {
        const crossRun = { ...run, ...(attentionDropout && { dropout: ofCross(attentionDropout) }) };
        const across = { query, key: memory!, keyMask: memoryMask };
        const attended = await this.#cross!.attention.forward(backend, across, crossRun);
        shown.crossWeights = attended.weights;
        return {
          output: drop('cross', attended.output),
          gradient: async (dOutput) => {
            const { dQuery, dKey, parameters } = await attended.gradient(drop('cross', dOutput));
            return { dInput: dQuery, dMemory: dKey!, parameters };
          },
        };
      }));
    const between = (cross ?? attention).output;
    const feedForward = await this.#residual('feedForward', this.#feedForwardNorm, between, async (given) => {
      const { signal, gradient } = options ?? {};
      const engine = typeof gradient === 'object' ? gradient : backend;
      const passed = await this.#feedForward.forwardOn(engine, given, {
        ...(signal && { signal }),
        gradient: gradient === true || typeof gradient === 'object',
        ...(dropped && { dropout: { ...dropped, stream: STREAMS.hidden } }),
      });
      const { gradient: back = notAsked } = passed as {
        readonly gradient?: ForwardOnResults<Everything>['gradient'];
      };
      return {
        output: drop('feedForward', passed.output),
        gradient: (dOutput) => back(drop('feedForward', dOutput)),
      };
    });
    const results = {
      output: feedForward.output,
      ...(run.weights && shown),
      ...(run.gradient && {
        gradient: async (given: FloatTensorLike): Promise<TransformerBlockGradients> => {
          const dOutput = lastAxis('dOutput', given, this.#dtype, this.#options.embedDim);
          const last = await feedForward.gradient(dOutput);
          const middle = cross && (await cross.gradient(last.dInput));
          const first = await attention.gradient((middle ?? last).dInput);
          const parameters = { ...first.parameters, ...middle?.parameters, ...last.parameters };
          return { ...middle, ...first, parameters };
        },
      }),
    };
    return results as unknown as TransformerBlockResults<O>;
  }

  /**
   * Declares that nobody writes to the parameters' `data` any more, as {@link MultiHeadAttention.freeze} does.
   *
   * @returns the block.
   */
  freeze(): this {
    this.#attention.freeze();
    this.#feedForward.freeze();
    this.#cross?.attention.freeze();
    return this;
  }

  /**
   * Creates an empty cache for decoding with this block's self-attention: pass it as `cache` to {@link forward}.
   *
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; `OUT_OF_MEMORY`.
   */
  cache(backend: AttentionBackend, options: CacheOptions): Promise<KeyValueCache> {
    return this.#attention.cache(backend, options);
  }

  /**
   * Creates empty pools for decoding with this block's self-attention in the pages of a book.
   *
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; `OUT_OF_MEMORY`.
   */
  pools(backend: AttentionBackend, options: PoolOptions): Promise<KeyValuePools> {
    return this.#attention.pools(backend, options);
  }

  /**
   * Takes over trained parameters, converted to the block's dtype. Names may be this block's own; those of
   * `torch.nn.TransformerEncoderLayer` and `TransformerDecoderLayer`; or those of the blocks of BERT, DistilBERT, ViT (of the hub and
   * of timm), BART, Whisper, GPT-2, Llama, Qwen2, Qwen3, Phi-3 and T5.
   *
   * @param options.prefix only the names that begin with it are looked at: `model.layers.0.`
   * @throws HeedError as {@link MultiHeadAttention.loadStateDict} does; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict, options: { readonly prefix?: string | undefined } = {}): void {
    checkOptions('loadStateDict()', options, { prefix: text });
    const { heads, attention: { kvHeads = heads } = {} } = this.#options;
    const dict = underPrefix(stateDict, options.prefix ?? '');
    copyParameters(this.parameters, blockOf(dict, { heads, kvHeads, names: Object.keys(this.parameters) }));
  }

  /** Returns whether a call stays in the memory of an engine from its input to its output. */
  #staysOn(
    backend: AttentionBackend,
    input: FloatTensor,
    { cache }: Pick<TransformerBlockInputs, 'cache'>,
    gradient: TransformerBlockForwardOptions['gradient'] = false,
    hasDropout: boolean = false,
  ): boolean {
    const isHere = typeof gradient === 'boolean' || gradient === backend;
    const { heads, projections } = partsOf(this.#attention);
    const isWhole = this.#cross === null && cache === undefined;
    const uses = { gate: this.#options.gated === true, dropout: hasDropout };
    return (
      isWhole &&
      isHere &&
      heads.stayOn(backend) &&
      projections.isWorth(input) &&
      staysInBlock(backend, input, uses)
    );
  }

  async #forwardOn(
    backend: AttentionBackend,
    input: FloatTensor,
    given: Omit<WithTensors<TransformerBlockInputs>, 'input' | 'memory' | 'memoryMask'>,
    asked: TransformerBlockForwardOptions,
  ): Promise<object> {
    const { weights = false, gradient = false, dropout: dropped, attentionDropout, ...run } = asked;
    const { norm: kind = 'layer', normFirst = true } = this.#options;
    const { epsilon = kind === 'layer' ? 1e-5 : 1e-6 } = this.#options;
    const layer = partsOf(this.#attention);
    const { bias, alibiSlopes, queryPositions, keyPositions = queryPositions, cache: _, ...who } = given;
    const rotation = layer.heads.rotation(input, input, queryPositions, keyPositions).onEngine();
    const attention = { ...layer, rotation, headNorms: layer.heads.normsOnEngine() };
    const [batch, length] = input.shape;
    const { scale, softcap } = attention.options;
    const sinks = attention.parameters['sinks'];
    const masked = await withKeyMask(who, batch, length);
    const scope = { scale, softcap, bias, alibiSlopes, sinks, dropout: attentionDropout, ...masked };
    const parts = {
      attention,
      feedForward: feedForwardParts(this.#feedForward),
      norms: this.#norms,
      norm: { kind, epsilon },
      attentionNorm: this.#attentionNorm.parameters,
      feedForwardNorm: this.#feedForwardNorm.parameters,
      normFirst,
    };
    const wanted = {
      dropped: dropped === undefined ? null : { options: dropped, streams: STREAMS },
      weights,
      gradient: gradient !== false,
      run,
    };
    const { gradient: back, ...results } = await blockOn(backend, parts, input, scope, wanted);
    return {
      ...results,
      ...(back && {
        gradient: async (dOutput: FloatTensorLike): Promise<TransformerBlockGradients> =>
          back(lastAxis('dOutput', dOutput, this.#dtype, this.#options.embedDim)),
      }),
    };
  }

  #norm(): LayerNorm | RMSNorm {
    const { embedDim, norm = 'layer', epsilon, dtype } = this.#options;
    const common = {
      embedDim,
      ...(epsilon !== undefined && { epsilon }),
      ...(dtype !== undefined && { dtype }),
    };
    return norm === 'layer' ? new LayerNorm(common) : new RMSNorm(common);
  }

  /** x + f(norm(x)), or norm(x + f(x)). */
  async #residual(
    name: keyof typeof NORM_NAMES,
    norm: LayerNorm | RMSNorm,
    input: FloatTensor,
    branch: (input: FloatTensor) => Promise<Branch>,
  ): Promise<Branch> {
    const { normFirst = true } = this.#options;
    const inner = await branch(normFirst ? norm.forward(input) : input);
    const added = sum(input, inner.output);
    const named = (part: NamedTensors, ofNorm: NamedTensors): NamedTensors =>
      collectParameters({ [name]: part, [NORM_NAMES[name]]: ofNorm });
    if (normFirst) {
      return {
        output: added,
        gradient: async (dOutput) => {
          const part = await inner.gradient(dOutput);
          const ofNorm = norm.gradient(input, part.dInput);
          return {
            ...part,
            dInput: sum(dOutput, ofNorm.dInput),
            parameters: named(part.parameters, ofNorm.parameters),
          };
        },
      };
    }
    return {
      output: norm.forward(added),
      gradient: async (dOutput) => {
        const ofNorm = norm.gradient(added, dOutput);
        const part = await inner.gradient(ofNorm.dInput);
        return {
          ...part,
          dInput: sum(ofNorm.dInput, part.dInput),
          parameters: named(part.parameters, ofNorm.parameters),
        };
      },
    };
  }

  #checkMemory(memory: FloatTensor | undefined): void {
    if ((memory !== undefined) === (this.#cross !== null)) return;
    throw memory === undefined
      ? new HeedError('MISSING_INPUT', 'memory is missing; expected [B, Lm, M]', {
          remedy: 'give the output of the encoder, or make the block without cross',
        })
      : new HeedError('UNEXPECTED_INPUT', 'unexpected memory; the block has no cross-attention', {
          remedy: 'make the block with cross: true',
        });
  }
}

/** Other numbers for cross-attention: the seed's counterpart in the other half of its range. */
function ofCross({ probability, seed }: AttentionDropout): AttentionDropout {
  return { probability, seed: seed < 2 ** 52 ? seed + 2 ** 52 : seed - 2 ** 52 };
}

const NORM_NAMES = {
  attention: 'attentionNorm',
  cross: 'crossNorm',
  feedForward: 'feedForwardNorm',
} as const;

const ATTENTION_NAMES: Readonly<Record<keyof NonNullable<TransformerBlockOptions['attention']>, true>> = {
  kvHeads: true,
  headDim: true,
  bias: true,
  queryKeyNorm: true,
  sinks: true,
  rotary: true,
  scale: true,
  softcap: true,
};
