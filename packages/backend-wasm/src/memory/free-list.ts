/** Bytes to which blocks are aligned: a cache line. */
const ALIGNMENT = 64;

interface Span {
  readonly start: number;
  readonly size: number;
}

/**
 * The free bytes of an address range. Takes the smallest free span that fits, and joins neighbors when they are freed.
 */
export class FreeList {
  /** Free spans in the order of their addresses; no two touch. */
  private readonly free: Span[] = [];
  private readonly taken = new Map<number, number>();
  private end: number;

  /** @param start the first address that may be given out. */
  constructor(start: number) {
    this.end = aligned(start);
  }

  /** Number of bytes in blocks. */
  get bytesTaken(): number {
    return [...this.taken.values()].reduce((sum, size) => sum + size, 0);
  }

  /** End that the range must reach for {@link take} to succeed. */
  endNeeded(bytes: number): number {
    const size = aligned(bytes);
    if (this.best(size) !== -1) return this.end;
    const last = this.free.at(-1);
    const start = last !== undefined && last.start + last.size === this.end ? last.start : this.end;
    return start + size;
  }

  /** Lets the range reach further. */
  extend(end: number): void {
    if (end <= this.end) return;
    const { end: start } = this;
    this.end = end;
    this.insert({ start, size: end - start });
  }

  /** The address of a block, or null when no free span is large enough. */
  take(bytes: number): number | null {
    const size = aligned(bytes);
    const index = this.best(size);
    if (index === -1) return null;
    const span = this.free[index]!;
    const rest = { start: span.start + size, size: span.size - size };
    this.free.splice(index, 1, ...(rest.size > 0 ? [rest] : []));
    this.taken.set(span.start, size);
    return span.start;
  }

  give(address: number): void {
    const size = this.taken.get(address);
    if (size === undefined) throw new Error(`there is no block at ${address}`);
    this.taken.delete(address);
    this.insert({ start: address, size });
  }

  /** The index of the smallest free span of at least this size; -1 when there is none. */
  private best(size: number): number {
    let best = -1;
    for (const [index, span] of this.free.entries()) {
      if (span.size >= size && (best === -1 || span.size < this.free[best]!.size)) best = index;
    }
    return best;
  }

  private insert(span: Span): void {
    const after = this.free.findIndex(({ start }) => start > span.start);
    const index = after === -1 ? this.free.length : after;
    const before = this.free[index - 1];
    const behind = this.free[index];
    const joinsBefore = before !== undefined && before.start + before.size === span.start;
    const joinsBehind = behind !== undefined && span.start + span.size === behind.start;
    const start = joinsBefore ? before.start : span.start;
    const end = joinsBehind ? behind.start + behind.size : span.start + span.size;
    const first = joinsBefore ? index - 1 : index;
    this.free.splice(first, Number(joinsBefore) + Number(joinsBehind), { start, size: end - start });
  }
}

/** Rounds a size up; empty blocks have addresses of their own, too. */
function aligned(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
}
