import { type DType, HeedError, type Tensor } from '@heed/core';
import type { DeviceMemory, NativeTensor, WritePosition } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine, Tf } from '../platform/engine.ts';

/** A tensor of TensorFlow, of an element type that attention uses. */
export type Native = TfTensor & NativeTensor;

const DTYPES: readonly string[] = ['float32', 'int32', 'bool'] satisfies DType[];

/** TensorFlow's memory. Its tensors are immutable, and none shares an array with the caller. */
export function tensorflowMemory({ tf, compute }: Engine): DeviceMemory<Native> {
  return {
    upload: (tensor) => compute(() => ({ native: toTensorflow(tf, tensor) })).native,
    // tfjs hands out its own array for a tensor that has not been computed with yet.
    download: (native) =>
      ({ dtype: native.dtype, shape: [...native.shape], data: native.dataSync().slice() }) as Tensor,
    write(native, part, at) {
      const { written } = compute(() => ({ written: overwrite(tf, native, toTensorflow(tf, part), at) }));
      native.dispose();
      return written;
    },
    free: (native) => native.dispose(),
    wrap: (value) => (isUsable(tf, value) ? value : null),
  };
}

function isUsable(tf: Tf, value: unknown): value is Native {
  return value instanceof tf.Tensor && !value.isDisposed && DTYPES.includes(value.dtype);
}

function toTensorflow(tf: Tf, { dtype, shape, data }: Tensor): Native {
  if (dtype === 'float64') {
    throw new HeedError('DTYPE', 'the tensor is float64, TensorFlow.js has float32, int32 and bool', {
      clause: 'dtype',
      remedy: 'convert it: tensor(Float32Array.from(data), shape)',
    });
  }
  const copy = dtype === 'bool' ? data.map((flag) => Number(flag !== 0)) : data.slice();
  return tf.tensor(copy, [...shape], dtype) as Native;
}

function overwrite(tf: Tf, target: Native, part: Native, { axis, start }: WritePosition): Native {
  const length = target.shape[axis]!;
  const end = start + part.shape[axis]!;
  const between = (from: number, to: number): TfTensor => {
    const begin = target.shape.map((_, a) => (a === axis ? from : 0));
    return tf.slice(
      target,
      begin,
      target.shape.map((full, a) => (a === axis ? to - from : full)),
    );
  };
  return tf.concat([between(0, start), part, between(end, length)], axis) as Native;
}
