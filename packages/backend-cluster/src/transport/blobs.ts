import { HeedError } from '@heed/core';
import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';

/**
 * Number of chunks on their way at the same time, of all blobs together: a server ends connections with more than 64 MB
 * (its `max_pending`) waiting to be sent, and the caller's memory must not grow. Eight are not faster.
 */
const AT_ONCE = 4;
/** Largest chunk: a larger message is not faster, and others wait behind it. */
const MAXIMUM_CHUNK = 4 * 2 ** 20;
const CHUNKS = 'Heed-Chunks';

/**
 * Blobs of any size, as one message for each chunk. NATS has an object store, but each of its reads makes a consumer,
 * which takes longer than a whole step of decoding, and steps read what was written last.
 */
export class NatsBlobs {
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #namespace: string;
  readonly #chunk: number;
  readonly #persist: <T>(step: () => Promise<T>) => Promise<T>;
  readonly #turns = new Turns(AT_ONCE);
  /** Memory of chunks that were sent. */
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  constructor(
    js: JetStreamClient,
    jsm: JetStreamManager,
    namespace: string,
    maximumBytes: number,
    persist: <T>(step: () => Promise<T>) => Promise<T>,
  ) {
    this.#js = js;
    this.#jsm = jsm;
    this.#namespace = namespace;
    this.#chunk = Math.min(maximumBytes, MAXIMUM_CHUNK);
    this.#persist = persist;
  }

  async put(name: string, bytes: number, pieces: Iterable<Uint8Array>): Promise<void> {
    const count = Math.max(1, Math.ceil(bytes / this.#chunk));
    const chunks = this.#chunks(bytes, pieces);
    const about = headers();
    about.set(CHUNKS, String(count));
    await inParallel(count, (n) =>
      this.#turns.take(async () => {
        // The first free one takes the next chunk, so that chunks are made in order.
        const chunk = chunks.next().value as Uint8Array<ArrayBuffer>;
        await this.#persist(() => this.#js.publish(this.#subject(name, n), chunk, { headers: about }));
        // The server has it: its memory can be used again.
        if (chunk.buffer.byteLength === this.#chunk) this.#free.push(new Uint8Array(chunk.buffer));
      }),
    );
  }

  async get(name: string): Promise<Uint8Array> {
    const first = await this.#read(name, 0);
    const count = Number(first.header.get(CHUNKS));
    if (count === 1) return first.data;
    const chunks: Uint8Array[] = [first.data];
    await inParallel(count - 1, async (n) => {
      chunks[n + 1] = (await this.#read(name, n + 1)).data;
    });
    const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  async remove(prefix: string): Promise<void> {
    const filter = `${this.#namespace}.blob.${prefix}.>`;
    await this.#persist(() => this.#jsm.streams.purge(`${this.#namespace}_blobs`, { filter }));
  }

  async #read(name: string, chunk: number): Promise<StoredMsg> {
    const subject = this.#subject(name, chunk);
    const found = await this.#turns.take(() =>
      this.#persist(() => this.#jsm.direct.getMessage(`${this.#namespace}_blobs`, { last_by_subj: subject })),
    );
    if (found !== null) return found;
    throw new HeedError('ENGINE', `cluster: ${subject} is not stored`, {
      remedy:
        'keep the storage of the server (its -sd folder) while tensors are in use; those of a caller that is silent for an hour are deleted',
    });
  }

  #subject(name: string, chunk: number): string {
    return `${this.#namespace}.blob.${name}.${chunk}`;
  }

  /** Gathers pieces into chunks, of which all but the last are full. */
  *#chunks(bytes: number, pieces: Iterable<Uint8Array>): Generator<Uint8Array<ArrayBuffer>> {
    let left = bytes;
    let chunk = this.#next(left);
    let filled = 0;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        const length = Math.min(piece.length - at, chunk.length - filled);
        chunk.set(piece.subarray(at, at + length), filled);
        at += length;
        filled += length;
        if (filled < chunk.length) continue;
        yield chunk;
        left -= chunk.length;
        chunk = this.#next(left);
        filled = 0;
      }
    }
    if (bytes === 0) yield chunk;
  }

  /** Returns memory for the next chunk: small ones have their own, large ones what is free of earlier ones. */
  #next(left: number): Uint8Array<ArrayBuffer> {
    if (left < this.#chunk >> 1) return new Uint8Array(left);
    return (this.#free.pop() ?? new Uint8Array(this.#chunk)).subarray(0, Math.min(left, this.#chunk));
  }
}

/** Work of which a limited number goes on at the same time, in the order of asking. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/** Does a thing for each number below `count`, some at a time. */
async function inParallel(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const turns = Array.from({ length: Math.min(AT_ONCE, count) }, async () => {
    while (next < count) await work(next++);
  });
  await Promise.all(turns);
}
