import { HeedError, type Tensor } from '@heed/core';
import { checkOptions, flag } from '@heed/core/backend';
import { RMSNorm } from '../norm/rms-norm.ts';
import { positive } from '../options.ts';
import type { NamedTensors } from '../parameters.ts';
import { type RotaryOptions, checkRotary } from '../rotary/options.ts';
import { lengthOf, positionsOf, rotateBy } from '../rotary/rotate.ts';
import { type FloatTensor, reshape } from '../tensors.ts';
import type { MultiHeadAttentionOptions } from './options.ts';
import type { Shape } from './parameters.ts';

/** Turns heads by their positions; a direction of −1 turns a gradient back. */
type Rotate = (heads: FloatTensor, direction: 1 | -1) => FloatTensor;

/** Heads between a layer's projections and its attention, `[B, L, H, D]`: split, normalized and rotated. */
export class Heads {
  /** Weights of the norms. */
  readonly parameters: NamedTensors;
  readonly #shape: Shape;
  readonly #rotary: RotaryOptions | undefined;
  readonly #norms: Readonly<Record<'query' | 'key', RMSNorm>> | null;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: MultiHeadAttentionOptions, shape: Shape) {
    this.#shape = shape;
    this.#rotary = options.rotary;
    if (options.rotary !== undefined) checkRotary(options.rotary, shape.headDim);
    this.#norms = normsOf(options, shape.headDim);
    this.parameters =
      this.#norms === null
        ? {}
        : {
            'queryNorm.weight': this.#norms.query.parameters['weight'],
            'keyNorm.weight': this.#norms.key.parameters['weight'],
          };
  }

  /** True if heads are neither normalized nor rotated. */
  get isPlain(): boolean {
    return this.#rotary === undefined && this.#norms === null;
  }

  /** `[B, L, H·D]` → `[B, L, H, D]`. */
  split(name: 'query' | 'key' | 'value', projected: FloatTensor): FloatTensor {
    const { heads, kvHeads, headDim } = this.#shape;
    const [batch, length] = projected.shape;
    return reshape(projected, [batch, length, name === 'query' ? heads : kvHeads, headDim]);
  }

  normalized(name: 'query' | 'key', heads: FloatTensor): FloatTensor {
    return this.#norms === null ? heads : this.#norms[name].forward(heads);
  }

  /** Gradients of the input of {@link normalized} and of its weight. */
  beforeNorm(
    name: 'query' | 'key',
    heads: FloatTensor,
    dNormalized: FloatTensor,
  ): { readonly dHeads: FloatTensor; readonly parameters: NamedTensors } {
    if (this.#norms === null) return { dHeads: dNormalized, parameters: {} };
    const { dInput, parameters } = this.#norms[name].gradient(heads, dNormalized);
    return { dHeads: dInput, parameters: { [`${name}Norm.weight`]: parameters['weight'] } };
  }

  /** @throws HeedError `ALIGNMENT_REQUIRED`, `SHAPE`, `DTYPE` or `ARGUMENT` for the positions. */
  rotation(
    query: FloatTensor,
    key: FloatTensor,
    queryPositions: Tensor | undefined,
    keyPositions: Tensor | undefined,
  ): Readonly<Record<'query' | 'key', Rotate>> {
    const rotary = this.#rotary;
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
    const span = lengthOf(ofQuery, ofKey);
    return {
      query: (heads, direction) => rotateBy(heads, ofQuery, rotary, direction, span),
      key: (heads, direction) => rotateBy(heads, ofKey, rotary, direction, span),
    };
  }
}

function normsOf(
  { queryKeyNorm, dtype = 'float32' }: MultiHeadAttentionOptions,
  headDim: number,
): Readonly<Record<'query' | 'key', RMSNorm>> | null {
  if (queryKeyNorm === undefined) return null;
  checkOptions('queryKeyNorm', queryKeyNorm, { epsilon: positive, unitOffset: flag });
  const make = (): RMSNorm => new RMSNorm({ ...queryKeyNorm, embedDim: headDim, dtype });
  return { query: make(), key: make() };
}

/** `[B, L, H, D]` → `[B, L, H·D]`. */
export function joinHeads(value: FloatTensor): FloatTensor {
  const [batch, length, heads, headDim] = value.shape;
  return reshape(value, [batch, length, heads * headDim]);
}
