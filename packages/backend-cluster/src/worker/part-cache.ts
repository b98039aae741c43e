import type { AttentionBackend, ResidentTensor, Tensor } from '@heed/core';
import { ELEMENT_BYTES, sizeOf, writeSlices, zeros } from '@heed/core/backend';
import { type Fetch, fetchPart, fetchWrites, partShape } from '../memory/stored.ts';
import { applyWrite, sliceOf } from '../memory/slices.ts';
import type { StoredPart, StoredTensor, StoredWrite } from '../run/protocol.ts';

interface Kept {
  version: number;
  resident: ResidentTensor;
  readonly bytes: number;
}

/**
 * Parts of stored tensors in the memory of the worker's backend: made when a task first needs them, brought up to date
 * by the writes since, and freed, least recently used first, when they take too many bytes.
 */
export class PartCache {
  readonly #backend: AttentionBackend;
  readonly #fetch: Fetch;
  readonly #maximumBytes: number;
  /** Parts in the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(backend: AttentionBackend, maximumBytes: number, fetch: Fetch) {
    this.#backend = backend;
    this.#maximumBytes = maximumBytes;
    this.#fetch = fetch;
  }

  /** Returns the tensor of a task: a part as it is kept, without a copy, or several put together. */
  async tensorOf(stored: StoredTensor): Promise<Tensor | ResidentTensor> {
    const { axis, slice, parts, view } = stored;
    if (view !== null) {
      const whole = await this.tensorOf({ ...stored, slice: null, view: null });
      const { dtype, data } = 'resident' in whole ? await whole.read() : whole;
      const viewed = { dtype, shape: view, data };
      return slice === null ? viewed : sliceOf(viewed, slice.axis, slice.start, slice.end);
    }
    const [only] = parts;
    if (parts.length === 1 && isWhole(stored, only!.part)) return this.#keep(stored, only!);
    const from = slice?.axis === axis ? slice.start : 0;
    const end = slice?.axis === axis ? slice.end : stored.shape[axis]!;
    const shape = stored.shape.map((length, a) => (a === axis ? end - from : length));
    const joined = zeros(stored.dtype, shape);
    for (const part of parts) {
      const start = part.part * stored.partLength;
      const whole = await (await this.#keep(stored, part)).read();
      const first = Math.max(from, start);
      const last = Math.min(end, start + whole.shape[axis]!);
      writeSlices(joined, sliceOf(whole, axis, first - start, last - start), { axis, start: first - from });
    }
    return slice === null || slice.axis === axis
      ? joined
      : sliceOf(joined, slice.axis, slice.start, slice.end);
  }

  /** Frees the parts of a disposed tensor. */
  free(tensor: string): void {
    for (const [name, kept] of this.#kept) if (name.startsWith(`${tensor}.`)) this.#drop(name, kept);
  }

  /** Frees parts beyond the limit. Call it between tasks: a task may use any part. */
  trim(): void {
    for (const [name, kept] of this.#kept) {
      if (this.#bytes <= this.#maximumBytes) return;
      this.#drop(name, kept);
    }
  }

  async #keep(stored: StoredTensor, part: StoredPart): Promise<ResidentTensor> {
    const name = `${stored.$stored}.${part.part}`;
    const kept = this.#kept.get(name);
    if (kept !== undefined && kept.version <= part.version && kept.version >= (part.base ?? 0)) {
      await this.#update(stored, part, kept);
      this.#kept.delete(name);
      this.#kept.set(name, kept);
      return kept.resident;
    }
    if (kept !== undefined) this.#drop(name, kept);
    const shape = partShape(stored, part.part);
    const isZero = part.base === null && part.version === 0;
    const resident = isZero
      ? await this.#backend.allocate(stored.dtype, shape)
      : await this.#backend.upload(await fetchPart(stored, part, this.#fetch));
    const bytes = sizeOf(shape) * ELEMENT_BYTES[stored.dtype];
    this.#kept.set(name, { version: part.version, resident, bytes });
    this.#bytes += bytes;
    return resident;
  }

  async #update(stored: StoredTensor, { part, version }: StoredPart, kept: Kept): Promise<void> {
    for (const write of await fetchWrites(stored, part, kept.version, version, this.#fetch)) {
      await this.#write(kept, write);
      kept.version++;
    }
  }

  async #write(kept: Kept, write: StoredWrite): Promise<void> {
    if (write.element === null) {
      const { axis, start } = write;
      await kept.resident.write(write.part, { axis, start: typeof start === 'number' ? start : [...start] });
      return;
    }
    const whole: Tensor = await kept.resident.read();
    applyWrite(whole, write);
    await kept.resident.write(whole, { axis: 0, start: 0 });
  }

  #drop(name: string, { resident, bytes }: Kept): void {
    this.#kept.delete(name);
    this.#bytes -= bytes;
    resident.dispose();
  }
}

/** Returns whether all of a part is meant, and nothing else. */
function isWhole({ axis, slice, shape, partLength }: StoredTensor, part: number): boolean {
  const start = part * partLength;
  const end = Math.min(start + partLength, shape[axis]!);
  if (slice === null) return start === 0 && end === shape[axis];
  return slice.axis === axis && slice.start === start && slice.end === end;
}
