import { writeSlices } from '../shape.ts';
import { type DType, type Tensor, zeros } from '../tensor.ts';

/** Where along which axis a part of a tensor is written. */
export interface WritePosition {
  readonly axis: number;
  readonly start: number;
}

/** A tensor in the memory of an engine, in the engine's own form: a `tf.Tensor` is one as it stands. */
export interface NativeTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The memory of an engine, for tensors in its own form. Arguments are checked before these are called. */
export interface DeviceMemory<N extends NativeTensor> {
  upload(tensor: Tensor): N | Promise<N>;
  download(native: N): Tensor | Promise<Tensor>;
  /** Returns the written tensor: the same one, or a new one where the engine's are immutable (the old one is freed). */
  write(native: N, part: Tensor, at: WritePosition): N | Promise<N>;
  free(native: N): void;
  /** Takes a tensor that the engine's user made, without a copy. `null` when it is none. */
  wrap?(value: unknown): N | null;
}

/** The JavaScript heap, where a tensor is its own native form. */
export const hostMemory: DeviceMemory<Tensor> = {
  upload: copyOf,
  download: copyOf,
  write(target, part, at) {
    writeSlices(target, part, at);
    return target;
  },
  free: () => undefined,
};

function copyOf({ dtype, shape, data }: Tensor): Tensor {
  const copy = zeros(dtype, shape);
  copy.data.set(data);
  return copy;
}
