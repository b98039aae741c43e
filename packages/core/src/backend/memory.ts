import { HeedError } from '../error.ts';
import { checkOptions } from '../options/check-options.ts';
import { type DType, type ResidentTensor, type Tensor, checkTensor, isResident, zeros } from '../tensor.ts';
import type { AttentionInputs } from '../inputs.ts';
import { writeSlices } from '../shape.ts';
import type { Lifetime } from './lifetime.ts';

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

/** What a backend has made and must free: also what tells its resident tensors from those of another. */
export interface Owner {
  readonly residents: Set<ResidentTensor>;
  readonly life: Lifetime;
}

/** A resident tensor for one use: what was written before it began, whatever is written or disposed meanwhile. */
export interface Hold<N extends NativeTensor> {
  native(): Promise<N>;
  release(): void;
}

/** A resident tensor, and the way back to what it holds. */
export interface Resident<N extends NativeTensor> extends ResidentTensor {
  readonly owner: Owner;
  /** @throws HeedError `DISPOSED`. */
  native(): N;
  /** @throws HeedError `DISPOSED`. */
  hold(): Hold<N>;
}

/** Makes a resident tensor of a native one and takes charge of it. */
export function residentOf<N extends NativeTensor>(
  native: N,
  memory: DeviceMemory<N>,
  owner: Owner,
): Resident<N> {
  let current = native;
  let disposed = false;
  const underWay = new Set<Promise<unknown>>();
  let writes: Promise<unknown> = Promise.resolve();
  const alive = (): N => {
    if (disposed) {
      throw new HeedError('DISPOSED', 'the resident tensor was used after dispose()', { clause: 'resident' });
    }
    return current;
  };
  const freeUnlessUsed = (): void => {
    if (disposed && underWay.size === 0) memory.free(current);
  };
  const begin = (use: Promise<unknown>): void => {
    underWay.add(use);
    const end = (): void => {
      underWay.delete(use);
      freeUnlessUsed();
    };
    use.then(end, end);
  };
  const hold = (): Hold<N> => {
    alive();
    const written = writes;
    let release!: () => void;
    begin(new Promise<void>((resolve) => (release = resolve)));
    return { native: () => written.then(() => current), release };
  };
  const resident: Resident<N> = {
    resident: true,
    dtype: native.dtype,
    shape: [...native.shape],
    owner,
    native: alive,
    hold,
    write: (part, at) =>
      owner.life.during(async () => {
        checkWrite(alive(), part, at);
        // After the writes and uses before it. A write may leave a new native behind.
        const before = Promise.allSettled(underWay);
        const write = async (): Promise<void> => {
          await before;
          current = await memory.write(current, part, at);
        };
        const done = write();
        begin(done);
        writes = done.catch(() => undefined);
        await done;
      }),
    read: () =>
      owner.life.during(async () => {
        const { native: held, release } = hold();
        try {
          return await memory.download(await held());
        } finally {
          release();
        }
      }),
    dispose() {
      if (disposed) return;
      disposed = true;
      owner.residents.delete(resident);
      freeUnlessUsed();
    },
  };
  owner.residents.add(resident);
  return resident;
}

/** A resident tensor that may be anybody's. */
type Anybodys = Partial<Resident<NativeTensor>>;

/**
 * This owner's resident tensor.
 *
 * @throws HeedError `FOREIGN_TENSOR` when another owner made it.
 */
export function ownResident<N extends NativeTensor>(value: unknown, owner: Owner): Resident<N> {
  if (isResident(value) && (value as Anybodys).owner === owner) return value as Resident<N>;
  throw new HeedError('FOREIGN_TENSOR', 'a resident tensor belongs to another backend', {
    clause: 'resident',
    remedy: 'read() it there and upload() the result here',
  });
}

/**
 * Inputs whose resident tensors stay as they are until the release: the kernel may have to be compiled first.
 *
 * @throws HeedError `DISPOSED`.
 */
export function holdInputs(inputs: AttentionInputs): {
  readonly inputs: AttentionInputs;
  release(): void;
} {
  const releases: (() => void)[] = [];
  const release = (): void => releases.forEach((end) => end());
  try {
    const held = Object.entries(inputs).map(([name, value]) => {
      if (!isResident(value)) return [name, value] as const;
      const hold = (value as unknown as Anybodys).hold?.();
      if (hold === undefined) return [name, value] as const;
      releases.push(hold.release);
      return [name, { ...(value as object), hold: () => ({ ...hold, release: () => undefined }) }] as const;
    });
    return { inputs: Object.fromEntries(held) as unknown as AttentionInputs, release };
  } catch (error) {
    release();
    throw error;
  }
}

function checkWrite(target: NativeTensor, part: Tensor, at: WritePosition): void {
  checkTensor('part', part);
  checkOptions('write()', at, { axis: true, start: true });
  const { axis, start } = at;
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
