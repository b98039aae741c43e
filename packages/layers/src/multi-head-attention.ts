import {
  type AttentionBackend,
  type FloatDType,
  HeedError,
  type PlainTensorLike,
  type Tensor,
} from '@heed/core';
import { checkOptions, flag, required, text, zeros } from '@heed/core/backend';
import { type AttentionScope, type ForwardOptions, SCOPE_NAMES, type When, attend } from './attend.ts';
import { checkForward } from './check-forward.ts';
import { linear, linearGradient } from './linear.ts';
import { withKeyMask } from './masks.ts';
import { count, finite, positive, FIRST_WEIGHTS } from './options.ts';
import { type NamedTensors, initialGlorot, initialUniform } from './parameters.ts';
import { type RotaryOptions, checkRotary, positionsOf, rotate } from './rotary.ts';
import type { StateDict } from './state-dict/copy.ts';
import { loadProjections } from './state-dict/projections.ts';
import { type FloatTensor, checkShape, reshape, sum } from './tensors.ts';
import { type FloatTensorLike, floatTensor, withTensors } from './tensor-like.ts';
import { leaveRaw } from './reactive.ts';

export interface MultiHeadAttentionOptions {
  /** E, the width of queries and of the output. */
  readonly embedDim: number;
  /** Hq, the number of query heads. */
  readonly heads: number;
  /** Hkv, the number of key and value heads; Hq is a multiple of it. Default: Hq. */
  readonly kvHeads?: number;
  /** D, the width of a head. Default E / Hq. */
  readonly headDim?: number;
  /** The width of the key's input. Default E. */
  readonly kdim?: number;
  /** The width of the value's input. Default E. */
  readonly vdim?: number;
  /** Whether the four projections add a bias. Default true. */
  readonly bias?: boolean;
  /** Rotates queries and keys by their positions. Default: no. */
  readonly rotary?: RotaryOptions;
  /** Factor of the scores. Default 1 / √D. */
  readonly scale?: number;
  /** c of c · tanh(score / c). Default: none. */
  readonly softcap?: number;
  /** Default `float32`. */
  readonly dtype?: FloatDType;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: () => number;
}

/** The tensors of a call, and who attends to whom. */
export interface MultiHeadAttentionInputs extends AttentionScope {
  /** `[B, Lq, E]`. */
  readonly query: FloatTensorLike;
  /** `[B, Lk, kdim]`. Default: the query (self-attention). */
  readonly key?: FloatTensorLike | undefined;
  /** `[B, Lk, vdim]`. Default: the key. */
  readonly value?: FloatTensorLike | undefined;
  /** Added to the scores; broadcasts against `[B, Hq, Lq, Lk]`, and has a gradient. */
  readonly bias?: FloatTensorLike | undefined;
  /** `[Hq]`: score − slope · |p − j|. */
  readonly alibiSlopes?: FloatTensorLike | undefined;
  /** int32 `[Lq]` or `[B, Lq]`, for rotary embeddings. Default 0, 1, … where Lq = Lk; else both must be given. */
  readonly queryPositions?: PlainTensorLike | undefined;
  /** int32 `[Lk]` or `[B, Lk]`. Default in self-attention: those of the queries. */
  readonly keyPositions?: PlainTensorLike | undefined;
}

export interface MultiHeadAttentionGradients {
  /** Of the query; of all that it stood for, where key or value was left out. */
  readonly dQuery: FloatTensor;
  /** When a key was given; of the value too, where that was left out. */
  readonly dKey?: FloatTensor;
  /** When a value was given. */
  readonly dValue?: FloatTensor;
  /** When a bias was given. */
  readonly dBias?: FloatTensor;
  /** By the names of {@link MultiHeadAttention.parameters}. */
  readonly parameters: NamedTensors;
}

export type MultiHeadAttentionResults<Options> = {
  /** `[B, Lq, E]`. */
  readonly output: FloatTensor;
} & When<Options, 'weights', { /** `[B, Hq, Lq, Lk]`. */ readonly weights: FloatTensor }> &
  When<
    Options,
    'gradient',
    {
      /** Inputs and parameters must be unchanged since the forward call. */
      gradient(dOutput: FloatTensorLike): Promise<MultiHeadAttentionGradients>;
    }
  >;

const INPUT_NAMES: Readonly<Record<keyof MultiHeadAttentionInputs, true>> = {
  query: true,
  key: true,
  value: true,
  bias: true,
  alibiSlopes: true,
  queryPositions: true,
  keyPositions: true,
  ...SCOPE_NAMES,
};

/** The numbers that fix the shapes. */
interface Shape {
  readonly embedDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kdim: number;
  readonly vdim: number;
}

/**
 * Multi-head attention (Vaswani et al., "Attention is all you need", 2017, section 3.2.2): four projections around
 * `attention()`. Self-attention when only a query is given, cross-attention with a key, grouped-query attention with
 * `kvHeads`.
 *
 * Parameters, y = x Wᵀ + b each: `query.weight` `[Hq·D, E]`, `key.weight` `[Hkv·D, kdim]`, `value.weight`
 * `[Hkv·D, vdim]`, `output.weight` `[E, Hq·D]`, and a `.bias` beside each. First weights as in
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
  }

  readonly parameters: NamedTensors;
  readonly #shape: Shape;
  readonly #dtype: FloatDType;
  readonly #options: MultiHeadAttentionOptions;

  /** @throws HeedError `ARGUMENT`. */
  constructor(options: MultiHeadAttentionOptions) {
    checkOptions('MultiHeadAttention', options, {
      embedDim: required(count),
      heads: required(count),
      kvHeads: count,
      headDim: count,
      kdim: count,
      vdim: count,
      bias: flag,
      rotary: true,
      scale: finite,
      softcap: positive,
      ...FIRST_WEIGHTS,
    });
    this.#shape = shapeOf(options);
    this.#dtype = options.dtype ?? 'float32';
    this.#options = options;
    if (options.rotary !== undefined) checkRotary(options.rotary, this.#shape.headDim);
    this.parameters = initialParameters(
      this.#shape,
      this.#dtype,
      options.bias ?? true,
      options.random ?? Math.random,
    );
  }

  /**
   * @param backend computes the attention; the projections are computed here.
   * @throws HeedError `SHAPE`, `DTYPE`, `MISSING_INPUT`, `UNKNOWN_OPTION`, `ARGUMENT`, `ALIGNMENT_REQUIRED`;
   * `UNSUPPORTED` when the backend does not declare what is asked of it.
   */
  async forward<const O extends ForwardOptions = object>(
    backend: AttentionBackend,
    inputs: MultiHeadAttentionInputs,
    options?: O,
  ): Promise<MultiHeadAttentionResults<O>> {
    checkForward(backend, options);
    checkOptions('forward()', inputs, INPUT_NAMES);
    const {
      query,
      key = query,
      value = key,
      queryPositions,
      ...scoped
    } = withTensors<MultiHeadAttentionInputs>(inputs, this.#dtype);
    // In self-attention a key is its query, so it stands where the query stands.
    const { keyPositions = inputs.key === undefined ? queryPositions : undefined, ...rest } = scoped;
    this.#check(query, key, value);
    const { bias, alibiSlopes, ...who } = rest;
    const scope = await withKeyMask(who, query.shape[0], key.shape[1]);
    const rotation = this.#rotation(query, key, queryPositions, keyPositions);
    const attended = await attend(
      backend,
      {
        query: rotation.query(this.#project('query', query), 1),
        key: rotation.key(this.#project('key', key), 1),
        value: this.#project('value', value),
        scale: this.#options.scale,
        softcap: this.#options.softcap,
        bias,
        alibiSlopes,
        ...scope,
      },
      options ?? {},
    );
    const joined = joinHeads(attended.output);
    const results = {
      output: linear(joined, this.parameters['output.weight'], this.parameters['output.bias']),
      ...(options?.weights && { weights: attended.weights }),
      ...(options?.gradient && {
        gradient: async (given: FloatTensorLike): Promise<MultiHeadAttentionGradients> => {
          const dOutput = floatTensor('dOutput', given, this.#dtype);
          checkShape(
            'dOutput',
            dOutput,
            this.#dtype,
            axes(query.shape[0], 'Lq', query.shape[1], query.shape[2]),
          );
          const out = linearGradient(joined, this.parameters['output.weight'], dOutput);
          const inner = await attended.gradient(reshape(out.dInput, attended.output.shape));
          const q = this.#unproject('query', query, rotation.query(inner.dQuery, -1));
          const k = this.#unproject('key', key, rotation.key(inner.dKey, -1));
          const v = this.#unproject('value', value, inner.dValue);
          return {
            ...addUp(inputs, q.dInput, k.dInput, v.dInput),
            ...(inner.dBias && { dBias: inner.dBias }),
            parameters: this.#named({ query: q, key: k, value: v, output: out }),
          };
        },
      }),
    };
    return results as unknown as MultiHeadAttentionResults<O>;
  }

  /**
   * Takes over trained parameters, converted to the layer's dtype. Names may be this layer's own; those of
   * `torch.nn.MultiheadAttention` (`in_proj_weight`, or `q_proj_weight` and so on with kdim and vdim, `out_proj`); of
   * BERT (`self.query`, `output.dense`); or `q_proj`, `k_proj`, `v_proj` with `o_proj` or `out_proj` (Llama, BART). An
   * output projection without the bias that the other three have (Qwen2) gets a bias of 0.
   *
   * @param options.prefix only the names that begin with it are looked at: `encoder.layer.0.attention.`
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict, options: { readonly prefix?: string } = {}): void {
    checkOptions('loadStateDict()', options, { prefix: text });
    loadProjections(this.parameters, stateDict, options.prefix ?? '');
  }

  #check(query: FloatTensor, key: FloatTensor, value: FloatTensor): void {
    const { embedDim, kdim, vdim } = this.#shape;
    checkShape('query', query, this.#dtype, axes(null, 'Lq', null, embedDim));
    checkShape('key', key, this.#dtype, axes(query.shape[0], 'Lk', null, kdim));
    checkShape('value', value, this.#dtype, axes(query.shape[0], 'Lk', key.shape[1], vdim));
  }

  /** `[B, L, E]` → `[B, L, H, D]`. */
  #project(name: 'query' | 'key' | 'value', input: FloatTensor): FloatTensor {
    const { heads, kvHeads, headDim } = this.#shape;
    const projected = linear(input, this.parameters[`${name}.weight`], this.parameters[`${name}.bias`]);
    const [batch, length] = input.shape;
    return reshape(projected, [batch, length, name === 'query' ? heads : kvHeads, headDim]);
  }

  #unproject(name: string, input: FloatTensor, dHeads: FloatTensor): ReturnType<typeof linearGradient> {
    return linearGradient(input, this.parameters[`${name}.weight`], joinHeads(dHeads));
  }

  #rotation(
    query: FloatTensor,
    key: FloatTensor,
    queryPositions: Tensor | undefined,
    keyPositions: Tensor | undefined,
  ): Record<'query' | 'key', (heads: FloatTensor, direction: 1 | -1) => FloatTensor> {
    const { rotary } = this.#options;
    if (rotary === undefined) return { query: (heads) => heads, key: (heads) => heads };
    const [batch, queries] = query.shape;
    const keys = key.shape[1];
    if (queries !== keys && (queryPositions === undefined || keyPositions === undefined)) {
      throw new HeedError(
        'ALIGNMENT_REQUIRED',
        `rotary embeddings need to know where the ${queries} queries stand among the ${keys} keys`,
        { remedy: 'give queryPositions and keyPositions' },
      );
    }
    const ofQuery = positionsOf('queryPositions', queryPositions, batch, queries);
    const ofKey = positionsOf('keyPositions', keyPositions, batch, keys);
    return {
      query: (heads, direction) => rotate(heads, ofQuery, rotary, direction),
      key: (heads, direction) => rotate(heads, ofKey, rotary, direction),
    };
  }

  #named(gradients: Readonly<Record<string, ReturnType<typeof linearGradient>>>): NamedTensors {
    const hasBias = this.parameters['query.bias'] !== undefined;
    return Object.fromEntries(
      Object.entries(gradients).flatMap(([name, { dWeight, dBias }]) => [
        [`${name}.weight`, dWeight],
        ...(hasBias ? [[`${name}.bias`, dBias]] : []),
      ]),
    ) as NamedTensors;
  }
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

function joinHeads(value: FloatTensor): FloatTensor {
  const [batch, length, heads, headDim] = value.shape;
  return reshape(value, [batch, length, heads * headDim]);
}

/** A gradient for each input that was given: what stood for another adds that one's. */
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

function shapeOf(options: MultiHeadAttentionOptions): Shape {
  const { embedDim, heads, kvHeads = heads, kdim = embedDim, vdim = embedDim } = options;
  const headDim = options.headDim ?? embedDim / heads;
  const shape = { embedDim, heads, kvHeads, headDim, kdim, vdim };
  if (options.headDim === undefined && embedDim % heads !== 0) {
    throw new HeedError('ARGUMENT', `embedDim is ${embedDim}, which is not a multiple of heads=${heads}`, {
      remedy: 'choose another number of heads, or set headDim',
    });
  }
  if (heads % kvHeads !== 0) {
    throw new HeedError('ARGUMENT', `heads is ${heads}, which is not a multiple of kvHeads=${kvHeads}`, {
      clause: 'gqa',
      remedy: `set kvHeads to a number that divides ${heads}`,
    });
  }
  return shape;
}

function initialParameters(
  { embedDim, heads, kvHeads, headDim, kdim, vdim }: Shape,
  dtype: FloatDType,
  bias: boolean,
  random: () => number,
): NamedTensors {
  const joined = heads * headDim;
  const parameters: Record<string, FloatTensor> = {
    'query.weight': initialGlorot(dtype, [joined, embedDim], random),
    'key.weight': initialGlorot(dtype, [kvHeads * headDim, kdim], random),
    'value.weight': initialGlorot(dtype, [kvHeads * headDim, vdim], random),
    'output.weight': initialUniform(dtype, [embedDim, joined], 1 / Math.sqrt(joined), random),
  };
  if (!bias) return parameters;
  const biases = Object.entries(parameters).map(([name, { shape }]) => [
    name.replace('.weight', '.bias'),
    zeros(dtype, [shape[0]]),
  ]);
  return { ...parameters, ...Object.fromEntries(biases) } as NamedTensors;
}
