import type { ComputeDType } from '@heed/core';
import { checkOptions } from '@heed/core/backend';
import { type AttentionScope, SCOPE_NAMES, type When } from './attend.ts';
import type { NamedTensors } from './parameters.ts';
import { type FloatTensor, checkShape, sum } from './tensors.ts';
import { type FloatTensorLike, type WithTensors, floatTensor, withTensors } from './tensor-like.ts';

/** Tensors of a call of a layer with one head, with its masks and limits. */
export interface SingleHeadInputs extends AttentionScope {
  /** `[B, Lq, queryDim]`. */
  readonly query: FloatTensorLike;
  /** `[B, Lk, keyDim]`. */
  readonly key: FloatTensorLike;
  /** `[B, Lk, Ev]`, of any width. Default: the key. */
  readonly value?: FloatTensorLike | undefined;
}

/** Gradients of a layer with one head, in the shapes of its inputs and parameters. */
export interface SingleHeadGradients {
  readonly dQuery: FloatTensor;
  /** Gradient of the key, and of the value where that was left out. */
  readonly dKey: FloatTensor;
  /** Gradient of the value; present if one was given. */
  readonly dValue?: FloatTensor;
  /** Gradients of the parameters, by their names. */
  readonly parameters: NamedTensors;
}

/** Results of a layer with one head; weights and gradient where the options ask for them. */
export type SingleHeadResults<Options> = {
  /** `[B, Lq, Ev]`. */
  readonly output: FloatTensor;
} & When<Options, 'weights', { /** `[B, 1, Lq, Lk]`. */ readonly weights: FloatTensor }> &
  When<
    Options,
    'gradient',
    {
      /** Inputs and parameters must be unchanged since the forward call. */
      gradient(dOutput: FloatTensorLike): Promise<SingleHeadGradients>;
    }
  >;

/**
 * The inputs as tensors, checked.
 *
 * @throws HeedError `UNKNOWN_OPTION`, `MISSING_INPUT`, `ARGUMENT`, `DTYPE` or `SHAPE`.
 */
export function singleHeadInputs(
  inputs: SingleHeadInputs,
  dtype: ComputeDType,
  queryDim: number,
  keyDim: number,
): WithTensors<SingleHeadInputs> {
  checkOptions('forward()', inputs, { query: true, key: true, value: true, ...SCOPE_NAMES });
  const tensors = withTensors(inputs, dtype);
  const { query, key, value } = tensors;
  checkShape('query', query, dtype, [
    ['B', null],
    ['Lq', null],
    ['queryDim', queryDim],
  ]);
  const [batch] = query.shape;
  checkShape('key', key, dtype, [
    ['B', batch],
    ['Lk', null],
    ['keyDim', keyDim],
  ]);
  if (value === undefined) return tensors;
  checkShape('value', value, dtype, [
    ['B', batch],
    ['Lk', key.shape[1]],
    ['Ev', null],
  ]);
  return tensors;
}

/**
 * A gradient of the output as a tensor, checked.
 *
 * @throws HeedError `DTYPE` or `SHAPE`.
 */
export function gradientOf(output: FloatTensor, given: FloatTensorLike): FloatTensor {
  const dOutput = floatTensor('dOutput', given, output.dtype);
  const [batch, queries, width] = output.shape;
  checkShape('dOutput', dOutput, output.dtype, [
    ['B', batch],
    ['Lq', queries],
    ['Ev', width],
  ]);
  return dOutput;
}

/** The value's gradient goes to the key where the key stood for it. */
export function valueOrKey(
  value: FloatTensor | undefined,
  dKey: FloatTensor,
  dValue: FloatTensor,
): Pick<SingleHeadGradients, 'dKey' | 'dValue'> {
  return value === undefined ? { dKey: sum(dKey, dValue) } : { dKey, dValue };
}
