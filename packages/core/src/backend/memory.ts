import { HeedError } from '../error.ts';
import { type ResidentTensor, isResident } from '../resident.ts';
import { type DType, type Tensor, checkTensor, sizeOf } from '../tensor.ts';

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
    const inner = sizeOf(target.shape.slice(at.axis + 1));
    const outer = sizeOf(target.shape.slice(0, at.axis));
    const run = part.shape[at.axis]! * inner;
    const stride = target.shape[at.axis]! * inner;
    for (let o = 0; o < outer; o++) {
      target.data.set(part.data.subarray(o * run, (o + 1) * run), o * stride + at.start * inner);
    }
    return target;
  },
  free: () => undefined,
};

function copyOf({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: data.slice() };
}

/** What a backend has made and must free: also what tells its resident tensors from those of another. */
export type Owner = Set<ResidentTensor>;

/** A resident tensor, and the way back to what it holds. */
export interface Resident<N extends NativeTensor> extends ResidentTensor {
  readonly owner: Owner;
  /** @throws HeedError `DISPOSED`. */
  native(): N;
}

/** Makes a resident tensor of a native one and takes charge of it. */
export function residentOf<N extends NativeTensor>(
  native: N,
  memory: DeviceMemory<N>,
  owner: Owner,
): Resident<N> {
  let current = native;
  let disposed = false;
  let writing = 0;
  let writes: Promise<unknown> = Promise.resolve();
  const alive = (): N => {
    if (disposed) throw new HeedError('DISPOSED', 'the resident tensor was used after dispose()');
    return current;
  };
  const freeUnlessWriting = (): void => {
    if (disposed && writing === 0) memory.free(current);
  };
  // One write after another: each may leave a new native behind, and frees the one before.
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    writing++;
    const done = writes.then(work).finally(() => {
      writing--;
      freeUnlessWriting();
    });
    writes = done.catch(() => undefined);
    return done;
  };
  const resident: Resident<N> = {
    resident: true,
    dtype: native.dtype,
    shape: [...native.shape],
    owner,
    native: alive,
    async write(part, at) {
      checkWrite(alive(), part, at);
      await inTurn(async () => {
        current = await memory.write(current, part, at);
      });
    },
    async read() {
      alive();
      await writes;
      return memory.download(alive());
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      owner.delete(resident);
      freeUnlessWriting();
    },
  };
  owner.add(resident);
  return resident;
}

/**
 * What a resident tensor of this owner holds.
 *
 * @throws HeedError `FOREIGN_TENSOR` when another owner made it; `DISPOSED`.
 */
export function nativeOf<N extends NativeTensor>(value: unknown, owner: Owner): N {
  if (isResident(value) && (value as Partial<Resident<N>>).owner === owner)
    return (value as Resident<N>).native();
  throw new HeedError('FOREIGN_TENSOR', 'a resident tensor belongs to another backend', {
    clause: 'resident',
    remedy: 'read() it there and upload() the result here',
  });
}

function checkWrite(target: NativeTensor, part: Tensor, { axis, start }: WritePosition): void {
  checkTensor('part', part);
  if (part.dtype !== target.dtype) {
    throw new HeedError('DTYPE', `part is ${part.dtype}, the resident tensor is ${target.dtype}`, {
      clause: 'resident',
    });
  }
  const fits =
    Number.isSafeInteger(axis) &&
    Number.isSafeInteger(start) &&
    start >= 0 &&
    axis >= 0 &&
    axis < target.shape.length &&
    part.shape.length === target.shape.length &&
    part.shape.every((length, a) =>
      a === axis ? start + length <= target.shape[a]! : length === target.shape[a],
    );
  if (!fits) {
    throw new HeedError(
      'SHAPE',
      `part is [${part.shape.join(', ')}], it does not fit in [${target.shape.join(', ')}] at ${start} of axis ${axis}`,
      {
        clause: 'resident',
        remedy: 'all lengths but that of the axis are equal, and start + length is within it',
      },
    );
  }
}
