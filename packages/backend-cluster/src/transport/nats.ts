import { setTimeout as wait } from 'node:timers/promises';
import {
  AckPolicy,
  type ConsumerMessages,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JetStreamPublishOptions,
  JetStreamApiError,
  type JsMsg,
  type PubAck,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { type NatsConnection, TimeoutError, nanos } from '@nats-io/transport-node';
import { type ConnectionOptions, namespaceOf } from '../options.ts';
import { NatsBlobs } from './blobs.ts';
import { connectTo, unavailable } from './connect.ts';
import { persist } from './persist.ts';
import type { Note, Offered, Taken, Taking, Transport } from './port.ts';

/** Rules for handing out tasks. All takers of a namespace follow those of the first. */
export interface QueueRules {
  /** Time in milliseconds without a sign of life after which a task is delivered again. */
  readonly acknowledgement: number;
  /** Number of deliveries before a task is given up. */
  readonly deliveries: number;
}

/** Time limit of a request to JetStream, in milliseconds; it is repeated until the patience ends. */
const REQUEST = 2000;
/** Time after which tasks and answers that nobody ended are deleted. */
const LIFETIME = nanos(3_600_000);
/** Tasks of a group sent to a taker ahead of its work: few, since a stopped taker withholds them. */
const AHEAD = 1;
/** Time for which a silent taker still gets tasks, in milliseconds. */
const SENT_FOR = 1000;
/** Bytes of a message besides its data: protocol, subject, headers. */
const OVERHEAD = 4096;
const WRONG_LAST_SEQUENCE = 10071;
const NAME_IN_USE = [10058, 10148, 10013];

/**
 * The transport on NATS JetStream: five streams of files, so that a server that restarts goes on. Tasks wait in a work
 * queue with a durable consumer for each group; answers are published on the condition that their subject is empty, in a
 * stream that keeps them until they are deleted; blobs are messages of their own, chunk by chunk; callers sign that they live;
 * a note is replaced on the condition that its sequence is the one that was read.
 */
export class NatsTransport implements Transport {
  readonly engine: string;
  readonly maximumBytes: number;
  readonly #connection: NatsConnection;
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #namespace: string;
  readonly #patience: number;
  readonly #blobs: NatsBlobs;
  readonly #rules: QueueRules | null;

  private constructor(
    connection: NatsConnection,
    jsm: JetStreamManager,
    { namespace, patience, rules }: { namespace: string; patience: number; rules: QueueRules | null },
  ) {
    this.engine = `NATS ${connection.info?.version}`;
    this.maximumBytes = connection.info!.max_payload - OVERHEAD;
    this.#connection = connection;
    this.#jsm = jsm;
    this.#js = jetstream(connection, { timeout: REQUEST });
    this.#namespace = namespace;
    this.#patience = patience;
    this.#rules = rules;
    this.#blobs = new NatsBlobs(this.#js, jsm, namespace, this.maximumBytes, (step) => this.#persist(step));
  }

  /**
   * @param rules of a taker; null for a caller that only offers.
   * @param patience time to wait for an engine that is out of reach, in milliseconds.
   * @throws HeedError `UNAVAILABLE`.
   */
  static async open(
    options: ConnectionOptions,
    { name, patience, rules = null }: { name: string; patience: number; rules?: QueueRules | null },
  ): Promise<NatsTransport> {
    const connection = await connectTo(options, name);
    try {
      const namespace = namespaceOf(options);
      const jsm = await persist(
        async () => {
          const manager = await jetstreamManager(connection, { timeout: REQUEST });
          await ensureStreams(manager, namespace);
          return manager;
        },
        // Without JetStream the server says so at once.
        { patience, isFinal: (error) => !(error instanceof TimeoutError) },
      );
      return new NatsTransport(connection, jsm, { namespace, patience, rules });
    } catch (error) {
      await connection.close();
      throw unavailable(
        `JetStream of ${connection.getServer()} cannot be used: ${(error as Error).message}`,
        'start the server with JetStream (nats-server -js), and give the user its subjects',
        error,
      );
    }
  }

  tell(topic: string, data: Uint8Array): void {
    if (!this.#connection.isClosed()) this.#connection.publish(`${this.#namespace}.${topic}`, data);
  }

  listen(topic: string, hear: (data: Uint8Array, topic: string) => void): () => void {
    return this.#subscribe(`${this.#namespace}.${topic}`, this.#namespace.length + 1, hear);
  }

  async offer(group: number, id: string, data: Uint8Array): Promise<Offered> {
    const stream = `${this.#namespace}_tasks`;
    const { seq } = await this.#publish(`task.${group}`, data, { msgID: id });
    return {
      sequence: seq,
      takeBack: async () => {
        await this.#jsm.streams.deleteMessage(stream, seq, false).catch(() => undefined);
      },
    };
  }

  async take(group: number, handle: (task: Taken) => void): Promise<Taking> {
    const stream = `${this.#namespace}_tasks`;
    const name = `group-${group}`;
    const { acknowledgement, deliveries } = this.#rules!;
    await this.#persist(() =>
      unlessThere(
        this.#jsm.consumers.add(stream, {
          durable_name: name,
          filter_subject: `${this.#namespace}.task.${group}`,
          ack_policy: AckPolicy.Explicit,
          ack_wait: nanos(acknowledgement),
          max_deliver: deliveries,
        }),
      ),
    );
    const consumer = await this.#persist(() => this.#js.consumers.get(stream, name));
    const messages: ConsumerMessages = await consumer.consume({
      max_messages: AHEAD,
      expires: SENT_FOR,
      callback: (message) => handle(takenOf(message)),
    });
    return { stop: async () => void (await messages.close()) };
  }

  listenForGivenUp(hear: (offered: number) => void): () => void {
    const subject = `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${this.#namespace}_tasks.>`;
    return this.#subscribe(subject, 0, (data) => {
      const sequence = sequenceOf(data);
      if (sequence !== null) hear(sequence);
    });
  }

  async answer(name: string, data: Uint8Array): Promise<boolean> {
    return (await this.#publishAfter(0, `answer.${name}`, data)) !== null;
  }

  listenForAnswers(prefix: string, hear: (name: string, data: Uint8Array) => void): () => void {
    const start = `${this.#namespace}.answer.`;
    return this.#subscribe(`${start}${prefix}.>`, start.length, (data, name) => hear(name, data));
  }

  async lookUp(name: string): Promise<Uint8Array | null> {
    const subject = `${this.#namespace}.answer.${name}`;
    const found = await this.#jsm.direct.getMessage(`${this.#namespace}_answers`, { last_by_subj: subject });
    return found?.data ?? null;
  }

  async forget(prefix: string): Promise<void> {
    await this.#jsm.streams.purge(`${this.#namespace}_answers`, {
      filter: `${this.#namespace}.answer.${prefix}.>`,
    });
  }

  put(name: string, bytes: number, pieces: Iterable<Uint8Array>): Promise<void> {
    return this.#blobs.put(name, bytes, pieces);
  }

  get(name: string): Promise<Uint8Array> {
    return this.#blobs.get(name);
  }

  remove(prefix: string): Promise<void> {
    return this.#blobs.remove(prefix);
  }

  async note(): Promise<Note | null> {
    const found = await this.#persist(() =>
      this.#jsm.direct.getMessage(`${this.#namespace}_note`, { last_by_subj: `${this.#namespace}.note` }),
    );
    return found && { data: found.data, number: found.seq };
  }

  replaceNote(data: Uint8Array, expected: number): Promise<number | null> {
    return this.#publishAfter(expected, 'note', data);
  }

  async removeNote(expected: number): Promise<void> {
    // Replaced meanwhile, or out of reach: the next process waits until it is too old.
    await this.#jsm.streams.deleteMessage(`${this.#namespace}_note`, expected, false).catch(() => undefined);
  }

  async sign(caller: string): Promise<void> {
    await this.#publish(`caller.${caller}`, new Uint8Array(), {});
  }

  async callers(): Promise<{ caller: string; silence: number }[]> {
    const stream = `${this.#namespace}_callers`;
    const { ts: now, state } = await this.#jsm.streams.info(stream, { subjects_filter: '>' });
    const found = Object.keys(state.subjects ?? {}).map(async (subject) => {
      const sign = await this.#jsm.direct.getMessage(stream, { last_by_subj: subject });
      // The server's clock, since others may differ from it.
      const silence = sign === null ? 0 : Date.parse(now ?? '') - sign.time.getTime();
      return { caller: subject.slice(subject.lastIndexOf('.') + 1), silence };
    });
    return Promise.all(found);
  }

  async bury(caller: string): Promise<void> {
    for (const prefix of [caller, `task.${caller}`, `answer.${caller}`]) await this.remove(prefix);
    await this.forget(caller);
    const filter = `${this.#namespace}.caller.${caller}`;
    await this.#jsm.streams.purge(`${this.#namespace}_callers`, { filter });
  }

  get isClosed(): boolean {
    return this.#connection.isClosed();
  }

  async close(): Promise<void> {
    // The last messages have to arrive, unless the server is gone.
    await Promise.race([
      this.#connection.flush().catch(() => undefined),
      wait(500, undefined, { ref: false }),
    ]);
    await this.#connection.close();
  }

  #subscribe(subject: string, cut: number, hear: (data: Uint8Array, topic: string) => void): () => void {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) hear(message.data, message.subject.slice(cut));
      },
    });
    return () => subscription.unsubscribe();
  }

  #publish(topic: string, data: Uint8Array, options: Partial<JetStreamPublishOptions>): Promise<PubAck> {
    const subject = `${this.#namespace}.${topic}`;
    return this.#persist(() => this.#js.publish(subject, data, { timeout: REQUEST, ...options }));
  }

  /**
   * Publishes, if the last message of the subject has this sequence; 0 if there must be none.
   *
   * @returns the sequence of the message, or null.
   */
  async #publishAfter(last: number, topic: string, data: Uint8Array): Promise<number | null> {
    try {
      return (await this.#publish(topic, data, { expect: { lastSubjectSequence: last } })).seq;
    } catch (error) {
      if (!isApiError(error, WRONG_LAST_SEQUENCE)) throw error;
      return null;
    }
  }

  /** Repeats a step that may be repeated, until the server answers or the patience ends. */
  async #persist<T>(step: () => Promise<T>): Promise<T> {
    // An answer of the server is final, except that it may need a moment after its start.
    const isAnswer = (error: unknown): boolean =>
      error instanceof JetStreamApiError && error.status !== 503 && error.status !== 500;
    const isFinal = (error: unknown): boolean => isAnswer(error) || this.#connection.isClosed();
    try {
      return await persist(step, { patience: this.#patience, isFinal });
    } catch (error) {
      if (isFinal(error)) throw error;
      throw unavailable(
        `the server ${this.#connection.getServer()} does not answer: ${(error as Error).message}`,
        'start it again; calls work from then on',
        error,
      );
    }
  }
}

/** Returns the sequence of the message that an advisory is about; null for another program's message. */
function sequenceOf(advisory: Uint8Array): number | null {
  try {
    const { stream_seq: sequence } = JSON.parse(new TextDecoder().decode(advisory)) as {
      stream_seq?: unknown;
    };
    return typeof sequence === 'number' ? sequence : null;
  } catch {
    return null;
  }
}

async function ensureStreams(jsm: JetStreamManager, namespace: string): Promise<void> {
  const usual = { storage: StorageType.File, discard: DiscardPolicy.Old, allow_direct: true };
  const streams: (Partial<StreamConfig> & { readonly name: string })[] = [
    {
      name: `${namespace}_tasks`,
      subjects: [`${namespace}.task.*`],
      retention: RetentionPolicy.Workqueue,
      max_age: LIFETIME,
    },
    { name: `${namespace}_answers`, subjects: [`${namespace}.answer.>`], max_age: LIFETIME },
    { name: `${namespace}_blobs`, subjects: [`${namespace}.blob.>`], max_msgs_per_subject: 1 },
    { name: `${namespace}_callers`, subjects: [`${namespace}.caller.*`], max_msgs_per_subject: 1 },
    { name: `${namespace}_note`, subjects: [`${namespace}.note`], max_msgs_per_subject: 1 },
  ];
  for (const stream of streams) await unlessThere(jsm.streams.add({ ...usual, ...stream }));
}

/** Accepts that another process has made it, by the same rules or by earlier ones, which stand. */
async function unlessThere(making: Promise<unknown>): Promise<void> {
  await making.catch((error: unknown) => {
    if (!NAME_IN_USE.some((code) => isApiError(error, code))) throw error;
  });
}

function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

function takenOf(message: JsMsg): Taken {
  return {
    data: message.data,
    delivery: message.info.deliveryCount,
    stillWorking: () => message.working(),
    done: () => message.ack(),
    again: () => message.nak(),
    refuse: (reason) => message.term(reason),
  };
}
