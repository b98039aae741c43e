import {
  type AttentionBackend,
  type ComputeDType,
  type RunOptions,
  type Tensor,
  attention,
} from '@heed/core';
import { abortSignal, assertBackend, checkOptions, oneOf, required, zeros } from '@heed/core/backend';
import { oneHead, withoutHead } from './attend-scores.ts';
import { attend } from './attend.ts';
import { linear, linearGradient } from './matrix/linear.ts';
import { type MaskedScope, plainMask, withKeyMask } from './masks.ts';
import { count, FIRST_WEIGHTS } from './options.ts';
import { type NamedTensors, initialGlorot } from './parameters.ts';
import {
  type SingleHeadGradients,
  type SingleHeadInputs,
  gradientOf,
  singleHeadInputs,
  valueOrKey,
} from './single-head.ts';
import { type StateDict, copyParameters } from './state-dict/copy.ts';
import { type FloatTensor, checkShape, reshape } from './tensors.ts';
import { type FloatTensorLike, floatTensor } from './tensor-like.ts';
import { leaveRaw } from './reactive.ts';

/** Options of {@link HardAttention}. */
export interface HardAttentionOptions {
  /** Width of the queries. */
  readonly queryDim: number;
  /** Width of the keys. */
  readonly keyDim: number;
  /** D, the width in which queries and keys are compared. Scores are scaled by 1 / √D. */
  readonly attentionDim: number;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Options of a forward pass of {@link HardAttention}: how a key is chosen. */
export interface HardForwardOptions extends RunOptions {
  /** `argmax`, the best key; or `sample`, a key drawn from the softmax, with a seed. */
  readonly selection: 'argmax' | 'sample';
  /** Required by `sample`: an integer, 0 ≤ seed < 2⁵³. Use another for each step. */
  readonly seed?: number | undefined;
  /** The backend that computes the soft attention that both gradients need. Default: that of the forward pass. */
  readonly gradient?: AttentionBackend | undefined;
}

/** Results of {@link HardAttention}: one key for each query, and two estimates of the gradient through the choice. */
export interface HardAttentionResults {
  /** `[B, Lq, Ev]`: the value of the key that was chosen; 0 in an empty row. */
  readonly output: FloatTensor;
  /** int32 `[B, Lq]`: index of that key; −1 in an empty row. */
  readonly choice: Tensor<'int32'>;
  /** `[B, Lq]`: log p(choice) under the softmax; 0 in an empty row. */
  readonly logProbability: FloatTensor;
  /**
   * REINFORCE (Williams 1992; for attention Xu et al., "Show, attend and tell", 2015, section 4.1): the gradient of
   * Σ dLogProbability · logProbability. To minimize a loss, dLogProbability is (loss − baseline) for each row.
   *
   * @param dOutput the loss's own gradient, which reaches the value that was chosen.
   */
  reinforce(dLogProbability: FloatTensorLike, dOutput?: FloatTensorLike): Promise<SingleHeadGradients>;
  /**
   * Straight-through (Bengio, Léonard and Courville 2013, section 3): backwards as if the choice had been the softmax's
   * weights. The value's gradient is exact: it goes to the chosen keys.
   */
  straightThrough(dOutput: FloatTensorLike): Promise<SingleHeadGradients>;
}

/**
 * Hard attention: each query takes one key's value. A choice has no gradient, so there are two ways to train it.
 *
 * Parameters: `query.weight` `[D, queryDim]`, `key.weight` `[D, keyDim]`. Values are not projected.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import { HardAttention } from '@heed/layers';
 *
 * const layer = new HardAttention({ queryDim: 1, keyDim: 1, attentionDim: 1 });
 * layer.loadStateDict({
 *   'query.weight': tensor(new Float32Array([1]), [1, 1]),
 *   'key.weight': tensor(new Float32Array([1]), [1, 1]),
 * });
 * const query = tensor(new Float32Array([1]), [1, 1, 1]); // [B, Lq, queryDim]
 * const key = tensor(new Float32Array([5, 9, 2]), [1, 3, 1]); // [B, Lk, keyDim]
 * const { output, choice } = await layer.forward(await ts.create(), { query, key }, { selection: 'argmax' });
 * console.log(choice.data[0], output.data[0]); // 1 9
 * ```
 */
export class HardAttention {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #options: HardAttentionOptions;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: HardAttentionOptions) {
    checkOptions('HardAttention', options, {
      queryDim: required(count),
      keyDim: required(count),
      attentionDim: required(count),
      ...FIRST_WEIGHTS,
    });
    const { queryDim, keyDim, attentionDim, dtype = 'float32', random = Math.random } = options;
    this.#options = options;
    this.parameters = {
      'query.weight': initialGlorot(dtype, [attentionDim, queryDim], random),
      'key.weight': initialGlorot(dtype, [attentionDim, keyDim], random),
    };
  }

  /** @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT`, `MISSING_INPUT`, `UNKNOWN_OPTION`; `UNSUPPORTED` by the backend. */
  async forward(
    backend: AttentionBackend,
    inputs: SingleHeadInputs,
    options: HardForwardOptions,
  ): Promise<HardAttentionResults> {
    assertBackend(backend);
    checkOptions('forward()', options, {
      selection: required(oneOf('argmax', 'sample')),
      seed: true,
      gradient: true,
      signal: abortSignal,
    });
    const { selection, seed, gradient: backward = backend, ...run } = options;
    assertBackend(backward, 'gradient');
    const { dtype = 'float32', queryDim, keyDim } = this.#options;
    const { query, key, value, ...scoped } = singleHeadInputs(inputs, dtype, queryDim, keyDim);
    const scope = await plainMask(await withKeyMask(scoped, key.shape[0], key.shape[1]));
    const q = linear(query, this.parameters['query.weight']);
    const k = linear(key, this.parameters['key.weight']);
    const chosen = await choose(backend, { q, k, value: value ?? key, scope, selection, seed }, run);
    const unproject = (dQuery: FloatTensor, dKey: FloatTensor, dValue: FloatTensor): SingleHeadGradients => {
      const ofQuery = linearGradient(query, this.parameters['query.weight'], dQuery);
      const ofKey = linearGradient(key, this.parameters['key.weight'], dKey);
      return {
        dQuery: ofQuery.dInput,
        ...valueOrKey(value, ofKey.dInput, dValue),
        parameters: { 'query.weight': ofQuery.dWeight, 'key.weight': ofKey.dWeight },
      };
    };
    return {
      ...chosen,
      logProbability: logProbabilities(chosen, q, k, scope.mask),
      async reinforce(given, givenGradient) {
        const dLogProbability = floatTensor('dLogProbability', given, dtype);
        checkShape('dLogProbability', dLogProbability, dtype, [
          ['B', query.shape[0]],
          ['Lq', query.shape[1]],
        ]);
        const dOutput = givenGradient && gradientOf(chosen.output, givenGradient);
        const { dQuery, dKey } = await ofLogProbability(
          backward,
          q,
          k,
          scope,
          chosen.choice,
          dLogProbability,
          run,
        );
        return unproject(dQuery, dKey, toChosen(value ?? key, chosen.choice, dOutput));
      },
      async straightThrough(given) {
        const dOutput = gradientOf(chosen.output, given);
        const request = { query: oneHead(q), key: oneHead(k), value: oneHead(value ?? key), ...scope };
        const soft = await attend(backward, request, { ...run, gradient: true });
        const { dQuery, dKey } = await soft.gradient(oneHead(dOutput));
        return unproject(
          withoutHead(dQuery),
          withoutHead(dKey),
          toChosen(value ?? key, chosen.choice, dOutput),
        );
      },
    };
  }

  /**
   * Takes over trained parameters of the same names and shapes.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict): void {
    copyParameters(this.parameters, stateDict);
  }
}

interface Choice {
  readonly output: FloatTensor;
  readonly choice: Tensor<'int32'>;
  readonly logSumExp: FloatTensor;
}

async function choose(
  backend: AttentionBackend,
  call: {
    readonly q: FloatTensor;
    readonly k: FloatTensor;
    readonly value: FloatTensor;
    readonly scope: MaskedScope;
    readonly selection: 'argmax' | 'sample';
    readonly seed: number | undefined;
  },
  run: RunOptions,
): Promise<Choice> {
  // `[B, 1, L, D]` and `[B, L, D]` are the same numbers: one head needs no exchange of axes.
  const withHead = (x: FloatTensor): FloatTensor => reshape(x, [x.shape[0], 1, x.shape[1], x.shape[2]]);
  const { output, choice, logSumExp } = await attention(
    backend,
    {
      query: withHead(call.q),
      key: withHead(call.k),
      value: withHead(call.value),
      ...call.scope,
      selection: call.selection,
      seed: call.seed,
      choice: true,
      logSumExp: true,
    },
    run,
  );
  const rows = call.q.shape.slice(0, 2);
  return {
    output: reshape(output, [...rows, call.value.shape[2]]) as FloatTensor,
    choice: reshape(choice, rows) as Tensor<'int32'>,
    logSumExp: logSumExp as FloatTensor,
  };
}

/** Score of the chosen key, less the logSumExp of its row. */
function logProbabilities(
  { choice, logSumExp }: Choice,
  q: FloatTensor,
  k: FloatTensor,
  mask: Tensor | undefined,
): FloatTensor {
  const result = zeros(q.dtype, choice.shape);
  const scale = 1 / Math.sqrt(q.shape[2]);
  forEachChoice(choice, k, (row, queryAt, keyAt, width) => {
    let score = mask?.dtype === 'bool' || mask === undefined ? 0 : addedBy(mask, choice, row);
    for (let d = 0; d < width; d++) score += scale * q.data[queryAt + d] * k.data[keyAt + d];
    result.data[row] = score - logSumExp.data[row];
  });
  return result;
}

/** Value that a float mask adds to the score of a row's choice. */
function addedBy(mask: Tensor, choice: Tensor<'int32'>, row: number): number {
  const [b, , i, j] = [...Array<number>(4 - mask.shape.length).fill(1), ...mask.shape];
  const queries = choice.shape[1];
  const at = (length: number, position: number): number => (length === 1 ? 0 : position);
  const batch = at(b, Math.floor(row / queries));
  return mask.data[(batch * i + at(i, row % queries)) * j + at(j, choice.data[row])];
}

/**
 * The gradient of Σ c · log p(choice): c · scale · (k_choice − Σ w k) for the query, and for each key what it was
 * chosen for less what its weight expected. The expected key is soft attention with the keys as values, and the second
 * term the gradient of those values: the backend never has to show its weights.
 */
async function ofLogProbability(
  backend: AttentionBackend,
  q: FloatTensor,
  k: FloatTensor,
  scope: MaskedScope,
  choice: Tensor<'int32'>,
  c: FloatTensor,
  run: RunOptions,
): Promise<{ readonly dQuery: FloatTensor; readonly dKey: FloatTensor }> {
  const soft = await attend(
    backend,
    { query: oneHead(q), key: oneHead(k), value: oneHead(k), ...scope },
    {
      ...run,
      gradient: true,
    },
  );
  const scale = 1 / Math.sqrt(q.shape[2]);
  const dQuery = zeros(q.dtype, q.shape);
  const expected = zeros(q.dtype, q.shape);
  const chosen = zeros(k.dtype, k.shape);
  forEachChoice(choice, k, (row, queryAt, keyAt, width) => {
    for (let d = 0; d < width; d++) {
      const weighted = c.data[row] * scale * q.data[queryAt + d];
      dQuery.data[queryAt + d] = c.data[row] * scale * (k.data[keyAt + d] - soft.output.data[queryAt + d]);
      expected.data[queryAt + d] = -weighted;
      chosen.data[keyAt + d] += weighted;
    }
  });
  const { dValue } = await soft.gradient(oneHead(expected));
  chosen.data.forEach((value: number, n: number) => (chosen.data[n] = value + dValue.data[n]));
  return { dQuery, dKey: chosen };
}

/** The output's gradient, at the values that were chosen. */
function toChosen(
  value: FloatTensor,
  choice: Tensor<'int32'>,
  dOutput: FloatTensor | undefined,
): FloatTensor {
  const dValue = zeros(value.dtype, value.shape);
  if (dOutput === undefined) return dValue;
  forEachChoice(choice, value, (_, outputAt, valueAt, width) => {
    for (let e = 0; e < width; e++) dValue.data[valueAt + e] += dOutput.data[outputAt + e];
  });
  return dValue;
}

/** Each row that chose a key, with where its numbers and the key's begin in `[B, Lq, E]` and `[B, Lk, E]`. */
function forEachChoice(
  choice: Tensor<'int32'>,
  ofKey: FloatTensor,
  visit: (row: number, rowAt: number, keyAt: number, width: number) => void,
): void {
  const [, queries] = choice.shape;
  const [, keys, width] = ofKey.shape;
  choice.data.forEach((key, row) => {
    if (key >= 0) visit(row, row * width, (Math.floor(row / queries) * keys + key) * width, width);
  });
}
