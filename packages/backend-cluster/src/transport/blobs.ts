import { HeedError } from '@heed/core';
import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';

/** Number of chunks on their way at the same time. */
const AT_ONCE = 8;
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
    await inParallel(count, async (n) => {
      // The first free one takes the next chunk, so that chunks are made in order.
      const chunk = chunks.next().value as Uint8Array;
      const about = headers();
      about.set(CHUNKS, String(count));
      await this.#persist(() => this.#js.publish(this.#subject(name, n), chunk, { headers: about }));
    });
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
    const found = await this.#persist(() =>
      this.#jsm.direct.getMessage(`${this.#namespace}_blobs`, { last_by_subj: subject }),
    );
    if (found !== null) return found;
    throw new HeedError('ENGINE', `cluster: ${subject} is not stored`, {
      remedy: 'keep the storage of the server (its -sd folder) while tensors are in use',
    });
  }

  #subject(name: string, chunk: number): string {
    return `${this.#namespace}.blob.${name}.${chunk}`;
  }

  /** Gathers pieces into chunks, of which all but the last are full. */
  *#chunks(bytes: number, pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
    let left = bytes;
    let chunk = new Uint8Array(Math.min(left, this.#chunk));
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
        chunk = new Uint8Array(Math.min(left, this.#chunk));
        filled = 0;
      }
    }
    if (bytes === 0) yield chunk;
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
