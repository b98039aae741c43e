import { type AttentionBackend, type ComputeDType, type RunOptions } from '@heed/core';
import { checkOptions, flag, required, text } from '@heed/core/backend';
import { SCOPE_NAMES, attend } from '../attend.ts';
import { checkForward } from '../check-forward.ts';
import { notAsked } from '../engine/kept.ts';
import {
  type Projected,
  type ProjectionGradients,
  Projections,
  projectedHere,
} from '../engine/projections.ts';
import { withKeyMask } from '../masks.ts';
import { FIRST_WEIGHTS, count, finite, positive } from '../options.ts';
import type { NamedTensors } from '../parameters.ts';
import { leaveRaw } from '../reactive.ts';
import { type StateDict, copyParameters, underPrefix } from '../state-dict/copy.ts';
import { projectionsOf } from '../state-dict/projections.ts';
import { type FloatTensorLike, floatTensor, withTensors } from '../tensor-like.ts';
import { type FloatTensor, checkShape, reshape, sum } from '../tensors.ts';
import type {
  MultiHeadAttentionGradients,
  MultiHeadAttentionInputs,
  MultiHeadAttentionOptions,
  MultiHeadAttentionResults,
  MultiHeadForwardOptions,
} from './options.ts';
import {
  type CacheOptions,
  type KeyValuePools,
  type PoolOptions,
  createCache,
  createPools,
} from './cache/cache.ts';
import type { KeyValueCache } from './cache/keys.ts';
import { type DecodingLayer, decode } from './cache/decode.ts';
import { Heads, joinHeads } from './heads.ts';
import { forwardOnEngine, staysOn } from './on-engine.ts';
import { type Shape, initialParameters, projectionOf, shapeOf } from './parameters.ts';

const INPUT_NAMES: Readonly<Record<keyof MultiHeadAttentionInputs, true>> = {
  query: true,
  key: true,
  value: true,
  bias: true,
  alibiSlopes: true,
  queryPositions: true,
  keyPositions: true,
  cache: true,
  ...SCOPE_NAMES,
};

/** Parts of a layer, for a block that computes it with its neighbors. */
export let partsOf: (layer: MultiHeadAttention) => DecodingLayer;

type AttentionOfHeads = Parameters<typeof attend>[1];

/** A call of the layer, checked and in tensors. */
interface Call {
  /** As given, for what the gradient has. */
  readonly inputs: MultiHeadAttentionInputs;
  readonly tensors: Readonly<Record<'query' | 'key' | 'value', FloatTensor>>;
  readonly rotation: ReturnType<Heads['rotation']>;
  /** The request of the attention but for query, key and value. */
  readonly request: Omit<AttentionOfHeads, 'query' | 'key' | 'value'>;
}

/**
 * Multi-head attention (Vaswani et al., "Attention is all you need", 2017, section 3.2.2): four projections around
 * `attention()`. Self-attention when only a query is given, cross-attention with a key, grouped-query attention with
 * `kvHeads`.
 *
 * Parameters, y = x Wᵀ + b each: `query.weight` `[Hq·D, E]`, `key.weight` `[Hkv·D, kdim]`, `value.weight`
 * `[Hkv·D, vdim]`, `output.weight` `[E, Hq·D]`, and a `.bias` beside each; `queryNorm.weight` and
 * `keyNorm.weight` `[D]` with `queryKeyNorm`; `sinks` `[Hq]`. First weights as in
 * `torch.nn.MultiheadAttention`: Glorot's for the three inputs, ±1/√in for the output, biases 0.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import { MultiHeadAttention } from '@heed/layers';
 *
 * const layer = new MultiHeadAttention({ embedDim: 8, heads: 2 });
 * const query = tensor(new Float32Array(24).fill(1), [1, 3, 8]); // [B, L, E]
 * const { output, weights } = await layer.forward(await ts.create(), { query, causal: true }, { weights: true });
 * console.log(output.shape.join(' × '), '|', weights.shape.join(' × ')); // 1 × 3 × 8 | 1 × 2 × 3 × 3
 * ```
 */
export class MultiHeadAttention {
  static {
    leaveRaw(this.prototype);
    partsOf = (layer) => layer.#parts();
  }

  readonly parameters: NamedTensors;
  readonly #shape: Shape;
  readonly #dtype: ComputeDType;
  readonly #options: MultiHeadAttentionOptions;
  readonly #projections = new Projections();
  readonly #heads: Heads;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: MultiHeadAttentionOptions) {
    checkOptions('MultiHeadAttention', options, {
      embedDim: required(count),
      heads: required(count),
      kvHeads: count,
      headDim: count,
      kdim: count,
      vdim: count,
      bias: true,
      queryKeyNorm: true,
      sinks: flag,
      rotary: true,
      scale: finite,
      softcap: positive,
      ...FIRST_WEIGHTS,
    });
    this.#shape = shapeOf(options);
    this.#dtype = options.dtype ?? 'float32';
    this.#options = options;
    checkBiases(options.bias);
    this.#heads = new Heads(options, this.#shape);
    this.parameters = {
      ...initialParameters(this.#shape, this.#dtype, options),
      ...this.#heads.parameters,
    };
  }

  /**
   * @param backend computes the attention. It computes the projections and their gradients, too, where it offers `linear` with
   * vector instructions; tensors then stay in its memory until the gradient was computed, if it offers what lies in between: `rotary`
   * for rotary embeddings, `norm` for norms of queries and keys. Elsewhere, and for fewer than 64 rows of a layer that is not frozen, the projections are
   * computed here.
   * @throws HeedError `SHAPE`, `DTYPE`, `MISSING_INPUT`, `UNKNOWN_OPTION`, `ARGUMENT`, `ALIGNMENT_REQUIRED`;
   * `UNSUPPORTED` when the backend does not declare what is asked of it.
   */
  async forward<const O extends MultiHeadForwardOptions = object>(
    backend: AttentionBackend,
    inputs: MultiHeadAttentionInputs,
    options?: O,
  ): Promise<MultiHeadAttentionResults<O>> {
    checkForward(backend, options, { logSumExp: flag, dropout: true });
    checkOptions('forward()', inputs, INPUT_NAMES);
    const {
      query,
      key = query,
      value = key,
      queryPositions,
      ...scoped
    } = withTensors<MultiHeadAttentionInputs>(inputs, this.#dtype);
    // In self-attention a key is its query, and so has the query's position.
    const { keyPositions = inputs.key === undefined ? queryPositions : undefined, ...rest } = scoped;
    this.#check(query, key, value);
    const { bias, alibiSlopes, cache, ...who } = rest;
    if (cache !== undefined) {
      const given = { ...inputs, query, queryPositions, cache };
      const decoded = await decode(backend, this.#parts(), given, options ?? {});
      return decoded as unknown as MultiHeadAttentionResults<O>;
    }
    const asked: MultiHeadForwardOptions = options ?? {};
    const { scale, softcap } = this.#options;
    const masks = await withKeyMask(who, query.shape[0], key.shape[1]);
    const call: Call = {
      inputs,
      tensors: { query, key, value },
      rotation: this.#heads.rotation(query, key, queryPositions, keyPositions),
      request: {
        ...{ scale, softcap, bias, alibiSlopes, sinks: this.parameters['sinks'] },
        ...masks,
        dropout: asked.dropout,
      },
    };
    const { gradient = false } = asked;
    const worth = this.#projections.isWorth(query) || this.#projections.isWorth(key);
    const isOne = gradient === false || gradient === true || gradient === backend;
    const stays = this.#heads.stayOn(backend) && isOne && worth && staysOn(backend, query);
    const results = stays
      ? await this.#onEngine(backend, call, asked)
      : await this.#stepByStep(backend, call, asked, isOne);
    return results as unknown as MultiHeadAttentionResults<O>;
  }

  /** The whole layer in the backend's memory. */
  async #onEngine(
    backend: AttentionBackend,
    { inputs, tensors, rotation, request }: Call,
    { gradient = false, weights = false, logSumExp = false, ...run }: MultiHeadForwardOptions,
  ): Promise<object> {
    const between = { rotation: rotation.onEngine(), headNorms: this.#heads.normsOnEngine() };
    const asked = { ...run, weights, logSumExp, gradient: gradient !== false };
    const parts = { ...this.#parts(), ...between };
    const { gradient: back, ...results } = await forwardOnEngine(backend, parts, tensors, request, asked);
    if (back === undefined) return results;
    return {
      ...results,
      gradient: async (given: FloatTensorLike): Promise<MultiHeadAttentionGradients> => {
        const { dInputs, ...others } = await back(this.#checkedGradient(given, tensors.query));
        return { ...addUp(inputs, dInputs.query, dInputs.key, dInputs.value), ...others };
      },
    };
  }

  /**
   * Projections, rotation and attention one after another, each with plain tensors.
   *
   * @param isOne the backend computes the gradient, too.
   */
  async #stepByStep(
    backend: AttentionBackend,
    { inputs, tensors: { query, key, value }, rotation, request }: Call,
    options: MultiHeadForwardOptions,
    isOne: boolean,
  ): Promise<object> {
    const { gradient = false, weights = false, logSumExp = false, signal } = options;
    const run: RunOptions = signal === undefined ? {} : { signal };
    const project = async (name: string, input: FloatTensor): Promise<Projected> => {
      const parameters = projectionOf(this.parameters, name);
      if (gradient === false) {
        const output = await this.#projections.run(backend, name, parameters, input, run);
        return { output, gradient: notAsked };
      }
      if (!isOne) return projectedHere(parameters, input);
      return this.#projections.runForward(backend, name, parameters, input, run);
    };
    const ofInputs = {
      query: await project('query', query),
      key: await project('key', key),
      value: await project('value', value),
    };
    const projected = {
      query: this.#heads.split('query', ofInputs.query.output),
      key: this.#heads.split('key', ofInputs.key.output),
    };
    const attended = await attend(
      backend,
      {
        query: rotation.query(this.#heads.normalized('query', projected.query), 1),
        key: rotation.key(this.#heads.normalized('key', projected.key), 1),
        value: this.#heads.split('value', ofInputs.value.output),
        ...request,
      },
      options,
    );
    const last = await project('output', joinHeads(attended.output));
    const results = {
      output: last.output,
      ...(weights && { weights: attended.weights }),
      ...(logSumExp && { logSumExp: attended.logSumExp }),
    };
    if (gradient === false) return results;
    return {
      ...results,
      gradient: async (given: FloatTensorLike): Promise<MultiHeadAttentionGradients> => {
        const out = await last.gradient(this.#checkedGradient(given, query));
        const inner = await attended.gradient(reshape(out.dInput, attended.output.shape));
        const ofQuery = this.#heads.beforeNorm('query', projected.query, rotation.query(inner.dQuery, -1));
        const ofKey = this.#heads.beforeNorm('key', projected.key, rotation.key(inner.dKey, -1));
        const q = await ofInputs.query.gradient(joinHeads(ofQuery.dHeads));
        const k = await ofInputs.key.gradient(joinHeads(ofKey.dHeads));
        const v = await ofInputs.value.gradient(joinHeads(inner.dValue));
        return {
          ...addUp(inputs, q.dInput, k.dInput, v.dInput),
          ...(inner.dBias && { dBias: inner.dBias }),
          parameters: {
            ...this.#named({ query: q, key: k, value: v, output: out }),
            ...ofQuery.parameters,
            ...ofKey.parameters,
            ...(inner.dSinks && { sinks: inner.dSinks }),
          },
        };
      },
    };
  }

  /**
   * Declares that nobody writes to the parameters' `data` any more: each engine packs them once instead of at each call.
   * `loadStateDict()` and optimizers still count; after other writes, call it again.
   *
   * @returns the layer.
   *
   * @example
   * ```ts
   * import { MultiHeadAttention } from '@heed/layers';
   *
   * const layer = new MultiHeadAttention({ embedDim: 8, heads: 2 }).freeze();
   * layer.parameters['output.bias'].data.fill(1);
   * layer.freeze(); // takes the new bias
   * ```
   */
  freeze(): this {
    this.#projections.freeze();
    return this;
  }

  /**
   * Creates an empty cache for decoding with this layer. Free it with its `dispose()`.
   *
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; `OUT_OF_MEMORY`.
   */
  async cache(backend: AttentionBackend, options: CacheOptions): Promise<KeyValueCache> {
    checkForward(backend);
    return createCache(backend, { ...this.#shape, dtype: this.#dtype }, options);
  }

  /**
   * Creates empty pools for decoding with this layer in the pages of a book. Free them with their `dispose()`.
   *
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; `OUT_OF_MEMORY`.
   */
  async pools(backend: AttentionBackend, options: PoolOptions): Promise<KeyValuePools> {
    checkForward(backend);
    return createPools(backend, { ...this.#shape, dtype: this.#dtype }, options);
  }

  /**
   * Takes over trained parameters, converted to the layer's dtype. Names may be this layer's own; those of
   * `torch.nn.MultiheadAttention`; or those of the attention of BERT, ViT (of the hub and of timm), DistilBERT, BART,
   * Whisper, GPT-2, GPT-NeoX, Llama, Qwen2, Qwen3, Gemma, Phi-3, gpt-oss and T5. Stacked projections are taken apart,
   * transposed ones are transposed back. A bias that the file lacks for the output (Qwen2) or the key (Whisper) alone
   * is 0. The relative positions of T5 are skipped: they belong in a `RelativePositionBias`.
   *
   * @param options.prefix only the names that begin with it are looked at: `encoder.layer.0.attention.`
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; `UNSUPPORTED` for
   * `bias_k` and `bias_v` and for weights in MXFP4; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict, options: { readonly prefix?: string | undefined } = {}): void {
    checkOptions('loadStateDict()', options, { prefix: text });
    const dict = underPrefix(stateDict, options.prefix ?? '');
    copyParameters(
      this.parameters,
      projectionsOf(dict, { ...this.#shape, names: Object.keys(this.parameters) }),
    );
  }

  #check(query: FloatTensor, key: FloatTensor, value: FloatTensor): void {
    const { embedDim, kdim, vdim } = this.#shape;
    checkShape('query', query, this.#dtype, axes(null, 'Lq', null, embedDim));
    checkShape('key', key, this.#dtype, axes(query.shape[0], 'Lk', null, kdim));
    checkShape('value', value, this.#dtype, axes(query.shape[0], 'Lk', key.shape[1], vdim));
  }

  #checkedGradient(given: FloatTensorLike, { shape }: FloatTensor): FloatTensor {
    const dOutput = floatTensor('dOutput', given, this.#dtype);
    checkShape('dOutput', dOutput, this.#dtype, axes(shape[0], 'Lq', shape[1], shape[2]));
    return dOutput;
  }

  #parts(): DecodingLayer {
    return {
      projections: this.#projections,
      parameters: this.parameters,
      shape: this.#shape,
      heads: this.#heads,
      options: this.#options,
    };
  }

  #named(gradients: Readonly<Record<string, ProjectionGradients>>): NamedTensors {
    return Object.fromEntries(
      Object.entries(gradients).flatMap(([name, { dWeight, dBias }]) => [
        [`${name}.weight`, dWeight],
        ...(this.parameters[`${name}.bias`] === undefined ? [] : [[`${name}.bias`, dBias]]),
      ]),
    ) as NamedTensors;
  }
}

/** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
function checkBiases(bias: MultiHeadAttentionOptions['bias'] = true): void {
  if (typeof bias === 'boolean') return;
  checkOptions('bias', bias, { query: flag, key: flag, value: flag, output: flag });
}

function axes(
  batch: number | null,
  letter: 'Lq' | 'Lk',
  length: number | null,
  width: number,
): readonly (readonly [string, number | null])[] {
  return [
    ['B', batch],
    [letter, length],
    ['E', width],
  ];
}

/** Returns a gradient for each given input; an input that stood for another adds that one's gradient. */
function addUp(
  { key, value }: MultiHeadAttentionInputs,
  dQuery: FloatTensor,
  dKey: FloatTensor,
  dValue: FloatTensor,
): Omit<MultiHeadAttentionGradients, 'parameters'> {
  const ofKey = value === undefined ? sum(dKey, dValue) : dKey;
  return {
    dQuery: key === undefined ? sum(dQuery, ofKey) : dQuery,
    ...(key !== undefined && { dKey: ofKey }),
    ...(value !== undefined && { dValue }),
  };
}
