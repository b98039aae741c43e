import type { EngineRunOptions } from '../run-options.ts';
import { HeedError } from '../error.ts';
import { type Tensor, isResident } from '../tensor.ts';
import { type DeviceMemory, type NativeTensor, hostMemory } from './memory.ts';
import { type Owner, contentOf, residentOf } from './resident/resident.ts';
import type { Held } from './resident/storage.ts';
import { isTransferred, reading, transferred } from './transferred.ts';

/** Inputs that an engine reads on the host: a few integers that determine the tiles. */
const ON_HOST = new Set(['offsets', 'blockTable', 'keyLengths', 'keyStarts', 'queryLengths', 'indices']);

/** Uploads inputs, runs the work, downloads results, and frees the intermediate tensors, also after an error. */
export async function onDevice<N extends NativeTensor>(
  { memory }: { readonly memory: DeviceMemory<N> },
  owner: Owner,
  options: EngineRunOptions,
  structures: readonly object[],
  work: (natives: readonly object[], temporary: N[]) => object | Promise<object>,
): Promise<never> {
  options.signal?.throwIfAborted();
  const temporary: N[] = [];
  const holds = new Map<unknown, Held<N>>();
  /** Uploaded inputs: a tensor that has two places, such as a key that contains its value, goes over once. */
  const uploaded = new Map<Tensor, N>();
  const plain = new Map<string, Tensor>();
  const upload = async (value: Tensor, name: string): Promise<N> => {
    const native = await reading(name, value, () => memory.upload(value));
    temporary.push(native);
    uploaded.set(value, native);
    return native;
  };
  const toNative = (value: Tensor, name: string): unknown => {
    const hold = holds.get(value);
    if (hold !== undefined) return hold.whenWritten();
    plain.set(name, value);
    if (ON_HOST.has(name) || memory.isHost) return value;
    return uploaded.get(value) ?? upload(value, name);
  };
  try {
    // Immediately: what is written or disposed from now on does not affect this call.
    for (const structure of structures) {
      forEachTensor(structure, (value) => {
        if (isResident(value) && !holds.has(value)) holds.set(value, contentOf<N>(value, owner).hold());
      });
    }
    const natives: object[] = [];
    for (const structure of structures) natives.push(await mapTensors(structure, toNative));
    const results = await work(natives, temporary);
    // A kernel that reads them where they are may have found no numbers.
    const isLent = (name: string): boolean => ON_HOST.has(name) || memory === (hostMemory as unknown);
    const lost = transferredOf(plain, isLent);
    if (lost !== undefined) {
      await mapTensors(results, (native) => temporary.push(native as never));
      throw transferred(lost);
    }
    const toResident = (native: N): unknown => residentOf(native, memory, owner);
    if (options.resident) return (await mapTensors(results, toResident as never)) as never;
    if (memory.isHost) return results as never;
    // All of them before the first download: it may fail.
    await mapTensors(results, (native) => temporary.push(native as never));
    return (await mapTensors(results, (async (native: N) => memory.download(native)) as never)) as never;
  } catch (error) {
    const isTold = HeedError.isInstance(error) ? error.code !== 'ENGINE' : error === options.signal?.reason;
    const lost = isTold ? undefined : transferredOf(plain, () => true);
    throw lost === undefined ? inHeedsWords(error) : transferred(lost, error);
  } finally {
    for (const native of temporary) memory.free(native);
    for (const hold of holds.values()) hold.release();
  }
}

/** Name of an input whose memory the caller has transferred since the call. */
function transferredOf(
  plain: ReadonlyMap<string, Tensor>,
  isRead: (name: string) => boolean,
): string | undefined {
  for (const [name, value] of plain) if (isRead(name) && isTransferred(value)) return name;
  return undefined;
}

function forEachTensor(structure: object, use: (value: object) => void): void {
  for (const value of Object.values(structure)) {
    if (typeof value !== 'object' || value === null) continue;
    if ('shape' in value) use(value);
    else forEachTensor(value, use);
  }
}

/** Applies a change to every tensor of a structure, including `statistics`; numbers stay. Waits only where the change does. */
async function mapTensors(
  structure: object,
  change: (value: Tensor, name: string) => unknown,
): Promise<object> {
  const mapped: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(structure)) {
    const isStructure = typeof value === 'object' && value !== null;
    if (!isStructure) {
      mapped[name] = value;
    } else {
      const changed = 'shape' in value ? change(value, name) : mapTensors(value, change);
      mapped[name] = changed instanceof Promise ? await changed : changed;
    }
  }
  return mapped;
}

/** Converts an engine's failure to allocate an array to OUT_OF_MEMORY; other errors stay as they are. */
function inHeedsWords(error: unknown): unknown {
  if (!(error instanceof RangeError && /array|allocat/i.test(error.message))) return error;
  return new HeedError('OUT_OF_MEMORY', 'not enough memory for the results', {
    cause: error,
    remedy: 'do not ask for weights: they take B · Hq · Lq · Lk numbers',
  });
}
