import type { LinearGradients, LinearProblem } from '@heed/core';
import {
  type LinearDefinition,
  type LinearKernelDefinition,
  type OutputAndArgument,
  sizeOf,
} from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Native } from '../memory/memory.ts';
import type { Engine } from '../platform/engine.ts';
import { TF_CURVES } from './curves.ts';

interface Packed {
  readonly weight: Native;
  readonly bias?: Native;
}

/** Linear projections: SPEC.md, clause `linear`. */
export function tensorflowLinear(engine: Engine): LinearDefinition<Native> {
  return {
    arguments: true,
    compile: (problem) => kernelOf(engine, problem) as LinearKernelDefinition<Native>,
  };
}

function kernelOf(
  { tf, compute }: Engine,
  { inputDim, outputDim, activation }: Required<LinearProblem>,
): LinearKernelDefinition<Native, Packed> {
  /** `[rows, out]`, before the activation. */
  const sums = (x: TfTensor, { weight, bias }: Packed): TfTensor => {
    const product = tf.matMul(x as Native, weight, false, true);
    return bias === undefined ? product : tf.add(product, bias);
  };
  const flat = (tensor: Native, width: number): TfTensor =>
    tf.reshape(tensor, [sizeOf(tensor.shape.slice(0, -1)), width]);
  return {
    // TensorFlow's tensors never change: a clone shares the memory.
    pack: ({ weight, bias }) =>
      compute(() => ({
        weight: tf.clone(weight),
        ...(bias && { bias: tf.clone(bias) }),
      })) as unknown as Packed,
    free({ weight, bias }) {
      weight.dispose();
      bias?.dispose();
    },
    run: (input, packed) =>
      compute(() => {
        const shape = [...input.shape.slice(0, -1), outputDim];
        if (sizeOf(shape) === 0) return { output: tf.zeros(shape) };
        const z = sums(flat(input, inputDim), packed);
        const y = activation === null ? z : TF_CURVES[activation].at(tf, z);
        return { output: tf.reshape(y, shape) };
      }).output as Native,
    runWithArgument: (input, packed) =>
      compute(() => {
        const shape = [...input.shape.slice(0, -1), outputDim];
        if (sizeOf(shape) === 0) return { output: tf.zeros(shape), argument: tf.zeros(shape) };
        const argument = tf.reshape(sums(flat(input, inputDim), packed), shape);
        return { output: TF_CURVES[activation!].at(tf, argument), argument };
      }) as unknown as OutputAndArgument<Native>,
    gradient: (input, packed, dOutput, _, __, argument) =>
      compute(() => {
        if (sizeOf(input.shape) === 0) {
          const none = { dInput: tf.zeros([...input.shape]), dWeight: tf.zerosLike(packed.weight) };
          return { ...none, ...(packed.bias && { dBias: tf.zerosLike(packed.bias) }) };
        }
        const x = flat(input, inputDim);
        const dY = flat(dOutput, outputDim);
        // Rows that had no influence may hold NaN.
        const dZ =
          activation === null
            ? dY
            : tf.where(
                tf.equal(dY, 0),
                tf.zerosLike(dY),
                tf.mul(
                  dY,
                  TF_CURVES[activation].slope(tf, argument ? flat(argument, outputDim) : sums(x, packed)),
                ),
              );
        const influences = tf.any(tf.notEqual(dZ, 0), 1, true);
        const used = tf.where(influences, x, tf.zerosLike(x));
        return {
          dInput: tf.reshape(tf.matMul(dZ as Native, packed.weight), [...input.shape]),
          dWeight: tf.matMul(dZ as Native, used as Native, true, false),
          ...(packed.bias && { dBias: tf.sum(dZ, 0) }),
        };
      }) as unknown as LinearGradients<Native>,
  };
}
