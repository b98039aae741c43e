import {
  type AttentionBackend,
  type ComputeDType,
  HeedError,
  type PlainTensorLike,
  type Tensor,
} from '@heed/core';
import { checkOptions, flag, oneOf, required, shown, sizeOf, zeros } from '@heed/core/backend';
import type { ForwardOptions, When } from './attend.ts';
import { checkForward } from './check-forward.ts';
import { MultiHeadAttention } from './multi-head-attention/layer.ts';
import { count, FIRST_WEIGHTS, checkCounts } from './options.ts';
import { type NamedTensors, initialUniform } from './parameters.ts';
import { type StateDict, copyParameters } from './state-dict/copy.ts';
import { type FloatTensor, checkPlain, checkShape, reshape } from './tensors.ts';
import { type FloatTensorLike, type WithTensors, floatTensor, withTensors } from './tensor-like.ts';
import { leaveRaw } from './reactive.ts';

/** Options of {@link SpatialAttention}. */
export interface SpatialAttentionOptions {
  /** The lengths of the grid's axes: `[H, W]` of an image, `[T]` of a signal, `[D, H, W]` of a volume. */
  readonly grid: readonly number[];
  /** C, the number of channels at each place of the grid. */
  readonly channels: number;
  /** The number of heads, a divisor of E. */
  readonly heads: number;
  /** E, the width of queries and of the output. Default C. */
  readonly embedDim?: number | undefined;
  /**
   * Source of the queries: every place of the grid (`places`, the default; then E = C), a number of learned queries, or
   * queries that each call brings (`given`).
   */
  readonly queries?: 'places' | 'given' | { readonly learned: number } | undefined;
  /**
   * With `places`: adds a learned number to the score for each offset between two places (Liu et al., "Swin
   * Transformer", 2021, equation 4). Default false.
   */
  readonly relativePosition?: boolean | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Inputs of {@link SpatialAttention}. */
export interface SpatialAttentionInputs {
  /** `[B, …grid, C]`. */
  readonly input: FloatTensorLike;
  /** `[B, Lq, E]`, with queries `given`. */
  readonly query?: FloatTensorLike | undefined;
  /** bool `[B, …grid]`: true may be attended to. Default: everywhere. */
  readonly gridMask?: PlainTensorLike | undefined;
  /**
   * int32 `[B, …grid]`, with queries `places`: a place attends to those of the same number only, as in the shifted windows of Swin
   * (Liu et al., 2021, section 3.2), where parts of one window lie at opposite edges of the picture. Default: one region.
   */
  readonly regions?: PlainTensorLike | undefined;
}

/** Gradients of {@link SpatialAttention}, in the shapes of its inputs and parameters. */
export interface SpatialAttentionGradients {
  readonly dInput: FloatTensor;
  /** Gradient of queries that are `given`. */
  readonly dQuery?: FloatTensor;
  /** Gradients of the parameters, by the names of {@link SpatialAttention.parameters}. */
  readonly parameters: NamedTensors;
}

/** Results of {@link SpatialAttention}; weights and gradient where the options ask for them. */
export type SpatialAttentionResults<Options> = {
  /** `[B, …grid, C]` with queries `places`, else `[B, Lq, E]`. */
  readonly output: FloatTensor;
} & When<
  Options,
  'weights',
  {
    /** `[B, heads, …grid, …grid]` with queries `places`, else `[B, heads, Lq, …grid]`: a map for each query. */
    readonly weights: FloatTensor;
  }
> &
  When<Options, 'gradient', { gradient(dOutput: FloatTensorLike): Promise<SpatialAttentionGradients> }>;

/**
 * Attention over the places of a grid of any number of axes, with their numbers last: where to look in a picture
 * (Xu et al., "Show, attend and tell", 2015), or every place at every other.
 *
 * Parameters: those of {@link MultiHeadAttention} under `attention.`; `queries` `[Lq, E]` when they are learned;
 * `relativePosition` `[heads, Π (2n − 1)]` over the grid's lengths n.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import { SpatialAttention } from '@heed/layers';
 *
 * const layer = new SpatialAttention({ grid: [4, 5], channels: 8, heads: 2, queries: { learned: 1 } });
 * const input = tensor(new Float32Array(160), [1, 4, 5, 8]); // [B, H, W, C]
 * const { output, weights } = await layer.forward(await ts.create(), { input }, { weights: true });
 * console.log(output.shape.join(' × '), '|', weights.shape.join(' × ')); // 1 × 1 × 8 | 1 × 2 × 1 × 4 × 5
 * ```
 */
export class SpatialAttention {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #options: SpatialAttentionOptions;
  readonly #attention: MultiHeadAttention;
  readonly #places: number;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: SpatialAttentionOptions) {
    checkSpatialOptions(options);
    const {
      grid,
      channels,
      heads,
      embedDim = channels,
      queries,
      dtype = 'float32',
      random = Math.random,
    } = options;
    this.#options = options;
    this.#places = sizeOf(grid);
    this.#attention = new MultiHeadAttention({
      embedDim,
      heads,
      kdim: channels,
      vdim: channels,
      dtype,
      random,
    });
    const learned = typeof queries === 'object' ? queries.learned : 0;
    this.parameters = {
      ...prefixed(this.#attention.parameters),
      ...(learned > 0 && { queries: initialUniform(dtype, [learned, embedDim], 1, random) }),
      ...(options.relativePosition && {
        relativePosition: zeros(dtype, [heads, sizeOf(grid.map((n) => 2 * n - 1))]),
      }),
    };
  }

  /** @throws HeedError `SHAPE`, `DTYPE`, `MISSING_INPUT`, `UNEXPECTED_INPUT`, `UNKNOWN_OPTION`, `ARGUMENT`; `UNSUPPORTED` by the backend. */
  async forward<const O extends ForwardOptions = object>(
    backend: AttentionBackend,
    inputs: SpatialAttentionInputs,
    options?: O,
  ): Promise<SpatialAttentionResults<O>> {
    checkForward(backend, options);
    checkOptions('forward()', inputs, { input: true, query: true, gridMask: true, regions: true });
    const { grid, channels, queries = 'places', heads } = this.#options;
    const { dtype = 'float32' } = this.#options;
    const tensors = withTensors(inputs, dtype);
    const { input, gridMask, regions } = tensors;
    this.#check(tensors);
    const batch = input.shape[0];
    const places = reshape(input, [batch, this.#places, channels]);
    const query =
      queries === 'places' ? places : queries === 'given' ? tensors.query! : this.#learnedQueries(batch);
    const attended = await this.#attention.forward(
      backend,
      {
        query,
        ...(queries !== 'places' && { key: places }),
        keyMask: gridMask && reshape(gridMask, [batch, this.#places]),
        bias: this.#relativeBias(),
        ...(regions !== undefined && {
          querySegments: reshape(regions, [batch, this.#places]),
          keySegments: reshape(regions, [batch, this.#places]),
        }),
      },
      {
        ...options,
        weights: options?.weights === true,
        gradient: options?.gradient ?? false,
      } as ForwardOptions & {
        readonly weights: true;
        readonly gradient: true;
      },
    );
    const rows = queries === 'places' ? grid : [query.shape[1]];
    const results = {
      output: reshape(attended.output, [batch, ...rows, attended.output.shape[2]]),
      ...(options?.weights && { weights: reshape(attended.weights, [batch, heads, ...rows, ...grid]) }),
      ...(options?.gradient && {
        gradient: async (given: FloatTensorLike): Promise<SpatialAttentionGradients> => {
          const dOutput = floatTensor('dOutput', given, dtype);
          const d = await attended.gradient(reshape(dOutput, query.shape));
          return {
            dInput: reshape(queries === 'places' ? d.dQuery : d.dKey!, input.shape),
            ...(queries === 'given' && { dQuery: d.dQuery }),
            parameters: {
              ...prefixed(d.parameters),
              ...(typeof queries === 'object' && { queries: sumOfBatch(d.dQuery) }),
              ...(d.dBias && { relativePosition: this.#tableGradient(d.dBias) }),
            },
          };
        },
      }),
    };
    return results as unknown as SpatialAttentionResults<O>;
  }

  /**
   * Takes over trained parameters of the same names and shapes.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict): void {
    copyParameters(this.parameters, stateDict);
  }

  #check({ input, query, gridMask, regions }: WithTensors<SpatialAttentionInputs>): void {
    const { grid, channels, queries, dtype = 'float32' } = this.#options;
    const gridAxes = grid.map((length, axis) => [`grid[${axis}]`, length] as const);
    checkShape('input', input, dtype, [['B', null], ...gridAxes, ['C', channels]]);
    if (query !== undefined && queries !== 'given') {
      throw new HeedError('UNEXPECTED_INPUT', "unexpected query; the layer's queries are its own", {
        remedy: "make the layer with queries: 'given'",
      });
    }
    if (query === undefined && queries === 'given')
      throw new HeedError('MISSING_INPUT', 'query is missing; expected [B, Lq, E]', {
        remedy: "give forward() a query, or make the layer with other queries than 'given'",
      });
    if (regions !== undefined && (queries ?? 'places') !== 'places') {
      throw new HeedError('UNEXPECTED_INPUT', 'unexpected regions; queries that are not places have none', {
        remedy: "leave regions out, or make the layer with queries: 'places'",
      });
    }
    const expected = [input.shape[0], ...grid];
    checkGrid('gridMask', gridMask, 'bool', 'true if it may be attended to', expected);
    checkGrid('regions', regions, 'int32', 'the number of its region', expected);
  }

  /** Returns the learned queries for every element of the batch: `[B, Lq, E]`. */
  #learnedQueries(batch: number): FloatTensor {
    const { shape, dtype, data } = this.parameters['queries'];
    const repeated = zeros(dtype, [batch, ...shape]);
    for (let b = 0; b < batch; b++) repeated.data.set(data, b * data.length);
    return repeated;
  }

  /** `[1, heads, N, N]` from the table of offsets. */
  #relativeBias(): FloatTensor | undefined {
    const table = this.parameters['relativePosition'];
    if (table === undefined) return undefined;
    const bias = zeros(table.dtype, [1, this.#options.heads, this.#places, this.#places]);
    this.#forEachOffset((biasAt, tableAt) => (bias.data[biasAt] = table.data[tableAt]));
    return bias;
  }

  #tableGradient(dBias: FloatTensor): FloatTensor {
    const dTable = zeros(dBias.dtype, this.parameters['relativePosition'].shape);
    this.#forEachOffset((biasAt, tableAt) => (dTable.data[tableAt] += dBias.data[biasAt]));
    return dTable;
  }

  #forEachOffset(visit: (biasAt: number, tableAt: number) => void): void {
    const { grid, heads } = this.#options;
    const places = Array.from({ length: this.#places }, (_, place) => coordinates(place, grid));
    const offsets = sizeOf(grid.map((n) => 2 * n - 1));
    places.forEach((from, i) => {
      places.forEach((to, j) => {
        const offset = grid.reduce((at, n, axis) => at * (2 * n - 1) + (from[axis] - to[axis] + n - 1), 0);
        for (let h = 0; h < heads; h++)
          visit((h * this.#places + i) * this.#places + j, h * offsets + offset);
      });
    });
  }
}

function checkSpatialOptions(options: SpatialAttentionOptions): void {
  checkOptions('SpatialAttention', options, {
    grid: true,
    channels: required(count),
    heads: required(count),
    embedDim: count,
    queries: true,
    relativePosition: flag,
    ...FIRST_WEIGHTS,
  });
  const { grid, channels, embedDim, queries = 'places', relativePosition } = options;
  if (!Array.isArray(grid) || grid.length === 0) {
    throw new HeedError('ARGUMENT', `grid is ${shown(grid)}; expected the lengths of its axes`, {
      remedy: 'set grid to [H, W] for an image, or [T] for a signal',
    });
  }
  checkCounts(Object.fromEntries(Array.from(grid, (length, axis) => [`grid[${axis}]`, length])));
  if (typeof queries === 'object') {
    checkOptions('queries', queries, { learned: required(count) });
  } else {
    checkOptions(
      'SpatialAttention',
      { queries },
      { queries: { ...oneOf('places', 'given'), expected: "'places', 'given' or { learned }" } },
    );
  }
  if (queries !== 'places' && relativePosition) {
    throw new HeedError('ARGUMENT', "relativePosition requires queries: 'places'", {
      remedy: "leave out relativePosition, or set queries to 'places'",
    });
  }
  if (queries === 'places' && embedDim !== undefined && embedDim !== channels) {
    throw new HeedError(
      'ARGUMENT',
      `embedDim is ${embedDim}; with queries 'places' expected channels=${channels}`,
      { remedy: "leave out embedDim, or use queries 'given' or { learned }" },
    );
  }
}

/** The indices of a place, from its number in row-major order. */
function coordinates(place: number, grid: readonly number[]): number[] {
  return grid.map((length, axis) => Math.floor(place / sizeOf(grid.slice(axis + 1))) % length);
}

function prefixed(parameters: NamedTensors): NamedTensors {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`attention.${name}`, value]));
}

/** `[B, L, E]` → `[L, E]`. */
function sumOfBatch({ dtype, shape: [batch, ...shape], data }: FloatTensor): FloatTensor {
  const sum = zeros(dtype, shape);
  const length = sum.data.length;
  for (let b = 0; b < batch; b++) {
    for (let n = 0; n < length; n++) sum.data[n] += data[b * length + n];
  }
  return sum;
}

/** @throws HeedError `SHAPE`, `DTYPE` or `ARGUMENT`. */
function checkGrid(
  name: string,
  value: Tensor | undefined,
  dtype: 'bool' | 'int32',
  entry: string,
  expected: readonly number[],
): void {
  if (value === undefined) return;
  checkPlain(name, value);
  const isOfType = value.dtype === dtype;
  if (isOfType && value.shape.join() === expected.join()) return;
  throw new HeedError(
    isOfType ? 'SHAPE' : 'DTYPE',
    `${name} is ${value.dtype} [${value.shape.join(', ')}]; expected ${dtype} [${expected.join(', ')}]`,
    { clause: dtype === 'bool' ? 'mask' : 'segments', remedy: `give for each place of the grid ${entry}` },
  );
}
