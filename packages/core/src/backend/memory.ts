import { type SlicePosition, takenRuns, takenShape, writeSlices } from '../shape.ts';
import { type DType, type Tensor, zeros } from '../tensor.ts';

/** A tensor in the memory of an engine, in the engine's own form: a `tf.Tensor` is one without change. */
export interface NativeTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The memory of an engine, for tensors in its own form. The caller has checked all arguments. */
export interface DeviceMemory<N extends NativeTensor> {
  /** True if the engine's tensors are plain ones: runs then take and return them as they are, without upload and download. */
  readonly isHost?: boolean;
  upload(tensor: Tensor): N | Promise<N>;
  download(native: N): Tensor | Promise<Tensor>;
  /** Returns the written tensor: the same one, or a new one where the engine's are immutable (the old one is freed). */
  write(native: N, part: Tensor, at: SlicePosition): N | Promise<N>;
  free(native: N): void;
  /**
   * Writes row n of `rows` `[n, length]` to index `places[n]` of the first axis of a tensor `[…, length]`, no index twice;
   * returns as `write` does. By default, rows that follow one another are one `write`.
   */
  scatter?(native: N, rows: Tensor, places: readonly number[]): N | Promise<N>;
  /** Makes a tensor of zeros. By default, zeros of the host are uploaded. */
  allocate?(dtype: DType, shape: readonly number[]): N | Promise<N>;
  /**
   * Returns the slices `indices` of an axis, in their order, as a new tensor; an index may occur more than once. By
   * default, the copy goes through the host.
   */
  take?(native: N, axis: number, indices: readonly number[]): N | Promise<N>;
  /**
   * Returns a separate tensor over the same memory, with another shape. Each of the two is freed separately; a `write`
   * that returns a new tensor frees only the one that was written. Without this function, a copy of the object with the
   * other shape stands for the same memory, which is freed once.
   */
  reshape?(native: N, shape: readonly number[]): N;
  /** Wraps a tensor that the engine's user made, without a copy. Returns `null` if the value is not a tensor. */
  wrap?(value: unknown): N | null;
}

/** The JavaScript heap, where a plain tensor is also the native one. */
export const hostMemory: DeviceMemory<Tensor> = {
  isHost: true,
  upload: copyOf,
  download: copyOf,
  write(target, part, at) {
    writeSlices(target, part, at);
    return target;
  },
  free: () => undefined,
  allocate: zeros,
  take: takeSlices,
};

/** Uses the engine's own function if there is one; otherwise the copy goes through the host. */
export function allocate<N extends NativeTensor>(
  memory: DeviceMemory<N>,
  dtype: DType,
  shape: readonly number[],
): N | Promise<N> {
  return memory.allocate?.(dtype, shape) ?? memory.upload(zeros(dtype, shape));
}

/** Uses the engine's own function if there is one; otherwise the copy goes through the host. */
export async function take<N extends NativeTensor>(
  memory: DeviceMemory<N>,
  native: N,
  axis: number,
  indices: readonly number[],
): Promise<N> {
  if (memory.take !== undefined) return memory.take(native, axis, indices);
  return memory.upload(takeSlices(await memory.download(native), axis, indices));
}

/** Returns the same memory with another shape, for one use, and a function that ends the use. */
export function viewOf<N extends NativeTensor>(
  memory: DeviceMemory<N>,
  native: N,
  shape: readonly number[],
): { readonly native: N; release(): void } {
  if (memory.reshape === undefined) return { native: { ...native, shape }, release: () => undefined };
  const view = memory.reshape(native, shape);
  return { native: view, release: () => memory.free(view) };
}

/** Applies a change that may return a new tensor, under a shape other than the tensor's. */
export async function changeView<N extends NativeTensor>(
  memory: DeviceMemory<N>,
  native: N,
  shape: readonly number[],
  change: (view: N) => N | Promise<N>,
): Promise<N> {
  const view = viewOf(memory, native, shape);
  let changed: N;
  try {
    changed = await change(view.native);
  } catch (error) {
    view.release();
    throw error;
  }
  if (memory.reshape === undefined) return { ...changed, shape: native.shape };
  const result = memory.reshape(changed, native.shape);
  memory.free(changed);
  memory.free(native);
  return result;
}

function takeSlices({ dtype, shape, data }: Tensor, axis: number, indices: readonly number[]): Tensor {
  const taken = zeros(dtype, takenShape(shape, axis, indices));
  for (const { from, to, length } of takenRuns(shape, axis, indices)) {
    taken.data.set(data.subarray(from, from + length), to);
  }
  return taken;
}

function copyOf({ dtype, shape, data }: Tensor): Tensor {
  const copy = zeros(dtype, shape);
  copy.data.set(data);
  return copy;
}
