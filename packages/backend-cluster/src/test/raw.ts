import { type NatsConnection, connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Presence } from '../run/protocol.ts';
import type { TestServer } from './server.ts';

/** A stranger on the server: sends anything, and counts what is stored. */
export class Stranger {
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  static async on(server: TestServer): Promise<Stranger> {
    return new Stranger(await connect({ servers: server.url }));
  }

  say(subject: string, data: string | Uint8Array): void {
    this.#connection.publish(subject, data);
  }

  /** Shows itself as a worker, until it ends. */
  pretend(presence: Partial<Presence>): () => void {
    const all = {
      protocol: 1,
      worker: 'pretender',
      contract: 1,
      backend: 'trapped',
      device: 'JavaScript, one thread',
      capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
      life: 5000,
      working: [],
      ...presence,
    };
    const show = (): void => this.say('heed.alive', JSON.stringify(all));
    const timer = setInterval(show, 50);
    return () => {
      clearInterval(timer);
      this.say('heed.gone', 'pretender');
    };
  }

  /** Messages in a stream. */
  async stored(stream: 'tasks' | 'answers' | 'blobs'): Promise<number> {
    const jsm = await jetstreamManager(this.#connection);
    return (await jsm.streams.info(`heed_${stream}`)).state.messages;
  }

  async end(): Promise<void> {
    await this.#connection.close();
  }
}
