import { type AttentionBackend, HeedError, type Tensor } from '@heed/core';
import { checkOptions, flag } from '@heed/core/backend';
import { rotaryTable } from '@heed/core/operations';
import type { HeadNorms } from '../engine/head-norms.ts';
import { Norms } from '../engine/norms.ts';
import { type Rotation, rotaryKernels } from '../engine/rotation.ts';
import { RMSNorm } from '../norm/rms-norm.ts';
import { positive } from '../options.ts';
import type { NamedTensors } from '../parameters.ts';
import { frequenciesOf } from '../rotary/frequencies.ts';
import { type RotaryOptions, checkRotary } from '../rotary/options.ts';
import { lengthOf, positionsOf, rotateBy } from '../rotary/rotate.ts';
import { type FloatTensor, reshape } from '../tensors.ts';
import type { MultiHeadAttentionOptions } from './options.ts';
import type { Shape } from './parameters.ts';

/** Turns heads by their positions; a direction of −1 turns a gradient back. */
type Rotate = (heads: FloatTensor, direction: 1 | -1) => FloatTensor;

/** Positions of a call. */
interface Positions {
  readonly query: Tensor<'int32'>;
  /** The query's own where they are the same. */
  readonly key: Tensor<'int32'>;
  /** The number of positions up to the last. */
  readonly span: number;
}

/** The rotation of a call: here, or by an engine. */
interface HeadRotation extends Readonly<Record<'query' | 'key', Rotate>> {
  /** Tables for an engine that offers `rotary`; undefined without rotary embeddings. */
  onEngine(): Rotation | undefined;
}

/** Heads between a layer's projections and its attention, `[B, L, H, D]`: split, normalized and rotated. */
export class Heads {
  /** Weights of the norms. */
  readonly parameters: NamedTensors;
  readonly #shape: Shape;
  readonly #rotary: RotaryOptions | undefined;
  readonly #norms: Readonly<Record<'query' | 'key', RMSNorm>> | null;
  readonly #normOptions: MultiHeadAttentionOptions['queryKeyNorm'];
  readonly #kernels = rotaryKernels();
  readonly #engineNorms = new Norms();

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: MultiHeadAttentionOptions, shape: Shape) {
    this.#shape = shape;
    this.#rotary = options.rotary;
    if (options.rotary !== undefined) checkRotary(options.rotary, shape.headDim);
    this.#norms = normsOf(options, shape.headDim);
    this.#normOptions = options.queryKeyNorm;
    this.parameters =
      this.#norms === null
        ? {}
        : {
            'queryNorm.weight': this.#norms.query.parameters['weight'],
            'keyNorm.weight': this.#norms.key.parameters['weight'],
          };
  }

  /** Returns whether an engine computes all that lies between projections and attention. */
  stayOn({ capabilities: { operations = [] } }: AttentionBackend): boolean {
    const hasNorms = this.#norms === null || operations.includes('norm');
    return hasNorms && (this.#rotary === undefined || operations.includes('rotary'));
  }

  /** Norms of heads for an engine that offers `norm`, with their weights as they are now. */
  normsOnEngine(): HeadNorms | undefined {
    if (this.#norms === null) return undefined;
    const { epsilon = 1e-6, unitOffset = false } = this.#normOptions!;
    const { query, key } = this.#norms;
    const weightOf = ({ parameters: { weight } }: RMSNorm): FloatTensor => ({
      ...weight,
      data: weight.data.map((x) => (unitOffset ? 1 + x : x)),
    });
    const weights = { query: weightOf(query), key: weightOf(key) };
    const { dtype } = weights.query;
    const problem = { kind: 'rms', width: this.#shape.headDim, dtype, epsilon } as const;
    return { norms: this.#engineNorms, problem, weights };
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
  ): HeadRotation {
    const rotary = this.#rotary;
    if (rotary === undefined)
      return { query: (heads) => heads, key: (heads) => heads, onEngine: () => undefined };
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
    const isShared = queryPositions === keyPositions && queries === keys;
    const ofKey = isShared ? ofQuery : positionsOf('keyPositions', keyPositions, batch, keys);
    const positions = { query: ofQuery, key: ofKey, span: lengthOf(ofQuery, ofKey) };
    return {
      query: (heads, direction) => rotateBy(heads, ofQuery, rotary, direction, positions.span),
      key: (heads, direction) => rotateBy(heads, ofKey, rotary, direction, positions.span),
      onEngine: () => this.#onEngine(rotary, positions, query.dtype),
    };
  }

  #onEngine(rotary: RotaryOptions, { query, key, span }: Positions, dtype: FloatTensor['dtype']): Rotation {
    const { headDim } = this.#shape;
    const { dim = headDim, interleaved = false } = rotary;
    const { frequencies, factor } = frequenciesOf(rotary, dim, span);
    const tableOf = (positions: Tensor<'int32'>): Rotation['tables']['query'] =>
      rotaryTable({ positions, frequencies, factor, dtype });
    const ofQuery = tableOf(query);
    return {
      kernels: this.#kernels,
      problem: { headDim, rotaryDim: dim, interleaved, dtype },
      tables: { query: ofQuery, key: key === query ? ofQuery : tableOf(key) },
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
