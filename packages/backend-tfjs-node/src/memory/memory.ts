import { type DType, HeedError, type Tensor } from '@heed/core';
import type { DeviceMemory, NativeTensor, SlicePosition } from '@heed/core/backend';
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
    allocate(dtype, shape) {
      checkType(dtype);
      return compute(() => ({ native: tf.zeros([...shape], dtype) as Native })).native;
    },
    take: (native, axis, indices) =>
      compute(() => ({ taken: tf.gather(native, tf.tensor1d(indices as number[], 'int32'), axis) as Native }))
        .taken,
    reshape: (native, shape) => compute(() => ({ view: tf.reshape(native, [...shape]) as Native })).view,
    wrap: (value) => (isUsable(tf, value) ? value : null),
  };
}

function isUsable(tf: Tf, value: unknown): value is Native {
  return value instanceof tf.Tensor && !value.isDisposed && DTYPES.includes(value.dtype);
}

function checkType(dtype: DType): asserts dtype is 'float32' | 'int32' | 'bool' {
  if (DTYPES.includes(dtype)) return;
  throw new HeedError('DTYPE', `the tensor is ${dtype}; expected float32, int32 or bool`, {
    clause: 'dtype',
    remedy: "convert it: cast(tensor, 'float32')",
  });
}

function toTensorflow(tf: Tf, { dtype, shape, data }: Tensor): Native {
  checkType(dtype);
  const copy = dtype === 'bool' ? data.map((flag) => Number(flag !== 0)) : data.slice();
  return tf.tensor(copy, [...shape], dtype) as Native;
}

/** Overwrites slices; one start for each element of the first axis makes a tensor of each. */
function overwrite(tf: Tf, target: Native, part: Native, { axis, start }: SlicePosition): Native {
  if (typeof start === 'number') return overwriteAt(tf, target, part, axis, start);
  const elementOf = (tensor: Native, b: number): Native => slices(tf, tensor, 0, b, b + 1) as Native;
  const elements = start.map((from, b) =>
    overwriteAt(tf, elementOf(target, b), elementOf(part, b), axis, from),
  );
  return tf.concat(elements, 0) as Native;
}

function overwriteAt(tf: Tf, target: Native, part: Native, axis: number, start: number): Native {
  const end = start + part.shape[axis]!;
  const before = slices(tf, target, axis, 0, start);
  const after = slices(tf, target, axis, end, target.shape[axis]!);
  return tf.concat([before, part, after], axis) as Native;
}

function slices(tf: Tf, tensor: Native, axis: number, from: number, to: number): TfTensor {
  const begin = tensor.shape.map((_, a) => (a === axis ? from : 0));
  const size = tensor.shape.map((full, a) => (a === axis ? to - from : full));
  return tf.slice(tensor, begin, size);
}
