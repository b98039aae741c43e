/**
 * What a cluster asks of the engine that carries its messages, so that another one could stand in its place. Names
 * (of topics, blobs, answers) are words joined by dots.
 */
export interface Transport {
  /** Such as `NATS 2.15.1`. */
  readonly engine: string;
  /** Bytes that one task or answer can have. */
  readonly maximumBytes: number;
  /** Tells all that listen now; nobody may. Never throws. */
  tell(topic: string, data: Uint8Array): void;
  /** @returns ends the listening. */
  listen(topic: string, hear: (data: Uint8Array, topic: string) => void): () => void;
  /**
   * Puts a task into the queue of a group, once, whatever is lost on the way.
   *
   * @param id unique for the task.
   * @throws HeedError `UNAVAILABLE` when the engine stays out of reach.
   */
  offer(group: number, id: string, data: Uint8Array): Promise<Offered>;
  /** Takes tasks of a group, in the order of their offers, each to be ended by `done`, `again` or `refuse`. */
  take(group: number, handle: (task: Taken) => void): Promise<Taking>;
  /** Hears of tasks that were delivered as often as they may be, with no one ending them. */
  listenForGivenUp(hear: (offered: number) => void): () => void;
  /** Publishes an answer, once: later ones of the same name are dropped. */
  answer(name: string, data: Uint8Array): Promise<void>;
  /** Hears of answers as they come; what is lost on the way, `lookUp` finds. */
  listenForAnswers(prefix: string, hear: (name: string, data: Uint8Array) => void): () => void;
  lookUp(name: string): Promise<Uint8Array | null>;
  /** Deletes all answers whose names begin with this. */
  forget(prefix: string): Promise<void>;
  /** Stores bytes of any number; those that are there under the name are replaced. */
  put(name: string, bytes: number, pieces: Iterable<Uint8Array>): Promise<void>;
  /** @throws HeedError `ENGINE` when there is no such blob. */
  get(name: string): Promise<Uint8Array>;
  /** Deletes all blobs whose names begin with this. */
  remove(prefix: string): Promise<void>;
  close(): Promise<void>;
}

/** A task in a queue. */
export interface Offered {
  /** Number of the task in the queues. */
  readonly sequence: number;
  takeBack(): Promise<void>;
}

/** A task that was taken. It comes again, to anyone, if nothing is said for the time of acknowledgement. */
export interface Taken {
  readonly data: Uint8Array;
  /** How often it was delivered, this time included. */
  readonly delivery: number;
  stillWorking(): void;
  done(): void;
  again(): void;
  /** It is not a task. */
  refuse(reason: string): void;
}

export interface Taking {
  stop(): Promise<void>;
}
