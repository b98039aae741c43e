import type { DType, Tensor } from '@heed/core';
import {
  type DeviceMemory,
  ELEMENT_BYTES,
  type SlicePosition,
  sizeOf,
  writeSlices,
  zeros,
} from '@heed/core/backend';
import { type StoredWrite, baseName, writeName } from '../run/protocol.ts';
import { bytesOf, encodeInPieces } from '../transport/packet.ts';
import type { Transport } from '../transport/port.ts';
import { type ClusterTensor, PartedTensor, ViewedTensor, cutAxis, localTensor } from './cluster-tensor.ts';
import { sliceOf, sliceRuns, takeSlices, withLength } from './slices.ts';
import { fetchPart, partShape } from './stored.ts';

/** Rules that divide tensors between the caller and the workers. */
export interface MemoryRules {
  /** Slices of the cut axis in a part. */
  readonly partLength: number;
  /** Largest size in bytes of tensors that stay with the caller. */
  readonly localBytes: number;
  /** Number of writes to a part after which it is stored as a whole again. */
  readonly writesKept: number;
}

/** Memory of the cluster. The engine's store is the source of truth: workers have copies. */
export class ClusterMemory implements DeviceMemory<ClusterTensor> {
  readonly #transport: Transport;
  readonly #rules: MemoryRules;
  readonly #owner: string;
  readonly #removals = new Set<Promise<void>>();
  #next = 0;
  /** Bytes of tensors that were stored so far. */
  bytesStored = 0;

  /** @param owner unique for this memory: the first word of all names that it stores. */
  constructor(transport: Transport, owner: string, rules: MemoryRules) {
    this.#transport = transport;
    this.#owner = owner;
    this.#rules = rules;
  }

  async upload(tensor: Tensor): Promise<ClusterTensor> {
    if (this.#isLocal(tensor)) return localTensor({ ...tensor, data: tensor.data.slice() });
    const parted = this.#parted(tensor.dtype, tensor.shape, 1);
    for (const part of parted.parts.keys()) await this.#store(parted, part, tensor);
    return parted;
  }

  allocate(dtype: DType, shape: readonly number[]): ClusterTensor {
    const isLocal = this.#isLocal({ dtype, shape });
    return isLocal ? localTensor(zeros(dtype, shape)) : this.#parted(dtype, shape, null);
  }

  /** A tensor whose parts workers store, under the names that {@link baseName} gives for state 1. */
  expected(dtype: DType, shape: readonly number[], axis: number): PartedTensor {
    return new PartedTensor(this.#name(), { dtype, shape, axis, partLength: this.#rules.partLength }, 1);
  }

  /** Returns whether a tensor is so small that it stays here. */
  isLocal(tensor: Pick<Tensor, 'dtype' | 'shape'>): boolean {
    return this.#isLocal(tensor);
  }

  async download(native: ClusterTensor): Promise<Tensor> {
    if (native.kind === 'local') return { ...native.tensor, data: native.tensor.data.slice() };
    if (native.kind === 'viewed') return { ...(await this.download(native.base)), shape: native.shape };
    const whole = zeros(native.dtype, native.shape);
    for (const part of native.parts.keys()) {
      const { axis } = native;
      writeSlices(whole, await this.#fetch(native, part), { axis, start: native.range(part).start });
    }
    return whole;
  }

  async write(native: ClusterTensor, part: Tensor, at: SlicePosition): Promise<ClusterTensor> {
    if (native.kind === 'local') {
      writeSlices(native.tensor, part, at);
      return native;
    }
    if (native.kind === 'viewed') {
      const whole = await this.download(native);
      writeSlices(whole, part, at);
      const { base } = native;
      await this.write(base, { ...whole, shape: base.shape }, { axis: base.axis, start: 0 });
      return native;
    }
    for (const [index, write] of writesOf(native, part, at)) {
      const state = native.parts[index]!;
      const { bytes, pieces } = encodeInPieces(write);
      // Stored before it counts: a write that fails leaves the state as it was.
      await this.#transport.put(writeName(native.id, index, state.version + 1), bytes, pieces);
      this.bytesStored += bytes;
      state.version++;
      if (state.version - (state.base ?? 0) >= this.#rules.writesKept) await this.#gather(native, index);
    }
    return native;
  }

  async take(native: ClusterTensor, axis: number, indices: readonly number[]): Promise<ClusterTensor> {
    if (native.kind === 'local') return localTensor(takeSlices(native.tensor, axis, indices));
    if (native.kind === 'viewed') return this.upload(takeSlices(await this.download(native), axis, indices));
    const shape = withLength(native.shape, axis, indices.length);
    if (this.#isLocal({ dtype: native.dtype, shape })) {
      const taken = zeros(native.dtype, shape);
      for (const part of native.parts.keys()) await this.#takeFrom(native, part, { axis, indices }, taken, 0);
      return localTensor(taken);
    }
    const target = new PartedTensor(this.#name(), { ...native, dtype: native.dtype, shape }, 1);
    for (const part of target.parts.keys()) {
      const { start, end } = target.range(part);
      const piece = zeros(native.dtype, withLength(shape, native.axis, end - start));
      if (axis === native.axis) {
        const ofPart = { axis, indices: indices.slice(start, end) };
        for (const source of native.parts.keys()) await this.#takeFrom(native, source, ofPart, piece, 0);
      } else await this.#takeFrom(native, part, { axis, indices }, piece, start);
      await this.#storePart(target, part, piece);
    }
    return target;
  }

  free(native: ClusterTensor): void {
    if (native.kind === 'local') return;
    const stored = native.kind === 'viewed' ? native.base : native;
    if (--stored.shares > 0) return;
    this.#transport.tell('free', new TextEncoder().encode(stored.id));
    this.#remove(stored.id);
  }

  /** Returns the same memory under another shape: another share of it. */
  reshape(native: ClusterTensor, shape: readonly number[]): ClusterTensor {
    if (native.kind === 'local') return localTensor({ ...native.tensor, shape });
    const stored = native.kind === 'viewed' ? native.base : native;
    stored.shares++;
    return stored.shape.join() === shape.join() ? stored : new ViewedTensor(stored, shape);
  }

  /** Resolves when everything that was freed is gone. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#removals);
  }

  #remove(prefix: string): void {
    const removal = this.#transport.remove(prefix).catch(() => undefined);
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }

  /**
   * Copies the slices that a part holds to where they belong.
   *
   * @param first the slice of the cut axis of the original with which `target` begins, where the axes differ.
   */
  async #takeFrom(
    native: PartedTensor,
    part: number,
    { axis, indices }: { readonly axis: number; readonly indices: readonly number[] },
    target: Tensor,
    first: number,
  ): Promise<void> {
    const { start, end } = native.range(part);
    if (axis !== native.axis) {
      const piece = takeSlices(await this.#fetch(native, part), axis, indices);
      writeSlices(target, piece, { axis: native.axis, start: start - first });
      return;
    }
    const meant = [...indices.entries()].filter(([, index]) => index >= start && index < end);
    if (meant.length === 0) return;
    const source = await this.#fetch(native, part);
    for (const [to, index] of meant) {
      writeSlices(target, sliceOf(source, axis, index - start, index - start + 1), { axis, start: to });
    }
  }

  /** Stores a part as a whole again, so that nobody has to fetch many small writes. */
  async #gather(native: PartedTensor, part: number): Promise<void> {
    const state = native.parts[part]!;
    const { base, version } = state;
    const piece = bytesOf(await this.#fetch(native, part));
    await this.#transport.put(baseName(native.id, part, version), piece.length, [piece]);
    state.base = version;
    if (base !== null) this.#remove(baseName(native.id, part, base));
    for (let old = (base ?? 0) + 1; old <= version; old++) this.#remove(writeName(native.id, part, old));
  }

  async #store(parted: PartedTensor, part: number, whole: Tensor): Promise<void> {
    const { axis } = parted;
    const bytes = bytesOf(whole);
    const size = ELEMENT_BYTES[whole.dtype];
    const length = sizeOf(partShape({ ...parted, $stored: parted.id }, part)) * size;
    const runs = sliceRuns(whole.shape, { axis, ...parted.range(part) });
    await this.#transport.put(baseName(parted.id, part, 1), length, views(bytes, runs, size));
    this.bytesStored += length;
  }

  async #storePart(parted: PartedTensor, part: number, piece: Tensor): Promise<void> {
    await this.#transport.put(baseName(parted.id, part, 1), piece.data.byteLength, [bytesOf(piece)]);
    this.bytesStored += piece.data.byteLength;
  }

  #fetch(native: PartedTensor, part: number): Promise<Tensor> {
    const described = native.described();
    return fetchPart(described, described.parts[part]!, (name) => this.#transport.get(name));
  }

  #isLocal({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): boolean {
    const bytes = sizeOf(shape) * ELEMENT_BYTES[dtype];
    return shape.length === 0 || bytes === 0 || bytes <= this.#rules.localBytes;
  }

  #parted(dtype: DType, shape: readonly number[], base: number | null): PartedTensor {
    const { partLength } = this.#rules;
    return new PartedTensor(this.#name(), { dtype, shape, axis: cutAxis(shape), partLength }, base);
  }

  #name(): string {
    return `${this.#owner}.${this.#next++}`;
  }
}

function* views(
  bytes: Uint8Array,
  runs: Iterable<{ readonly from: number; readonly length: number }>,
  size: number,
): Generator<Uint8Array> {
  for (const { from, length } of runs) yield bytes.subarray(from * size, (from + length) * size);
}

/** Yields the writes to each part. */
function* writesOf(
  native: PartedTensor,
  part: Tensor,
  { axis, start }: SlicePosition,
): Generator<[part: number, write: StoredWrite]> {
  const length = part.shape[axis]!;
  if (part.data.length === 0) return;
  if (axis !== native.axis) {
    for (const index of native.parts.keys()) {
      const range = native.range(index);
      yield [index, { part: sliceOf(part, native.axis, range.start, range.end), axis, start, element: null }];
    }
    return;
  }
  const starts = typeof start === 'number' ? null : start;
  if (starts === null) {
    yield* writesFrom(native, part, axis, start as number, null);
    return;
  }
  const home = native.parts.findIndex((_, index) => {
    const range = native.range(index);
    return starts.every((first) => first >= range.start && first + length <= range.end);
  });
  if (home !== -1) {
    const first = native.range(home).start;
    yield [home, { part, axis, start: starts.map((one) => one - first), element: null }];
    return;
  }
  for (const [element, first] of starts.entries()) {
    yield* writesFrom(native, sliceOf(part, 0, element, element + 1), axis, first, element);
  }
}

/** The same, from one slice on. */
function* writesFrom(
  native: PartedTensor,
  part: Tensor,
  axis: number,
  start: number,
  element: number | null,
): Generator<[part: number, write: StoredWrite]> {
  const end = start + part.shape[axis]!;
  for (const index of native.parts.keys()) {
    const range = native.range(index);
    const from = Math.max(start, range.start);
    const to = Math.min(end, range.end);
    if (from >= to) continue;
    const piece = from === start && to === end ? part : sliceOf(part, axis, from - start, to - start);
    yield [index, { part: piece, axis, start: from - range.start, element }];
  }
}
