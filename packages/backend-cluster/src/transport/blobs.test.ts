import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { NatsBlobs } from './blobs.ts';

/** Bytes of a chunk. */
const CHUNK = 16;

/** A store in memory that notes how many chunks are on their way at the same time. */
class Store {
  readonly #chunks = new Map<string, { data: Uint8Array; count: string }>();
  #onTheirWay = 0;
  most = 0;

  readonly blobs = new NatsBlobs(
    {
      publish: (subject: string, data: Uint8Array, options: { headers: ReturnType<typeof headers> }) =>
        this.#sent(() =>
          this.#chunks.set(subject, { data: data.slice(), count: options.headers.get('Heed-Chunks') }),
        ),
    } as unknown as JetStreamClient,
    {
      direct: {
        getMessage: (_: string, { last_by_subj: subject }: { last_by_subj: string }) =>
          this.#sent(() => {
            const { data, count } = this.#chunks.get(subject)!;
            const header = headers();
            header.set('Heed-Chunks', count);
            return { data, header };
          }),
      },
    } as unknown as JetStreamManager,
    'heed',
    CHUNK,
    (step) => step(),
  );

  async #sent<T>(work: () => T): Promise<T> {
    this.most = Math.max(this.most, ++this.#onTheirWay);
    await new Promise((resolve) => setImmediate(resolve));
    this.#onTheirWay--;
    return work();
  }
}

test('all blobs together have four chunks on their way, so that no server ends the connection', async () => {
  const store = new Store();
  const blobs = Array.from({ length: 20 }, (_, n) =>
    new Uint8Array(CHUNK * n + 3).map((zero, i) => zero + n + i),
  );
  await Promise.all(blobs.map((bytes, n) => store.blobs.put(`blob.${n}`, bytes.length, [bytes])));
  expect(store.most).toBe(4);
  store.most = 0;
  const got = await Promise.all(blobs.map((_, n) => store.blobs.get(`blob.${n}`)));
  expect(store.most).toBe(4);
  expect(got).toEqual(blobs);
});
