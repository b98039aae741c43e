/**
 * Interface to the engine that carries the messages of a cluster, so that another engine can replace it. Names
 * (of topics, blobs, answers) are words joined by dots.
 */
export interface Transport {
  /** Name and version, such as `NATS 2.15.1`. */
  readonly engine: string;
  /** Bytes that one task or answer can have. */
  readonly maximumBytes: number;
  /** Sends a message to all current listeners, if any. Never throws. */
  tell(topic: string, data: Uint8Array): void;
  /** @returns ends the listening. */
  listen(topic: string, hear: (data: Uint8Array, topic: string) => void): () => void;
  /**
   * Puts a task into the queue of a group, exactly once, despite losses on the way.
   *
   * @param id unique for the task.
   * @throws HeedError `UNAVAILABLE` when the engine stays out of reach.
   */
  offer(group: number, id: string, data: Uint8Array): Promise<Offered>;
  /** Takes tasks of a group, in the order of their offers, each to be ended by `done`, `again` or `refuse`. */
  take(group: number, handle: (task: Taken) => void): Promise<Taking>;
  /** Listens for tasks that reached the limit of deliveries and that nobody ended. */
  listenForGivenUp(hear: (offered: number) => void): () => void;
  /** Publishes an answer, once: later ones of the same name are dropped. Returns whether it was the first. */
  answer(name: string, data: Uint8Array): Promise<boolean>;
  /** Listens for answers as they come; `lookUp` finds those lost on the way. */
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
  /** Returns the note of this engine, or null. All processes see its states in the same order. */
  note(): Promise<Note | null>;
  /**
   * Replaces the note, if it is still of this number; 0 if there must be none.
   *
   * @returns its number now, or null if it has changed meanwhile.
   */
  replaceNote(data: Uint8Array, expected: number): Promise<number | null>;
  /** Deletes the note, if it is still of this number. */
  removeNote(expected: number): Promise<void>;
  /** Says that a caller lives. */
  sign(caller: string): Promise<void>;
  /** Returns all callers that have signed and were not buried, and the milliseconds since. */
  callers(): Promise<{ readonly caller: string; readonly silence: number }[]>;
  /** Deletes everything that is stored for a caller. */
  bury(caller: string): Promise<void>;
  close(): Promise<void>;
}

/** Data that one process at a time may replace. */
export interface Note {
  readonly data: Uint8Array;
  /** Number of this state of it, greater than those of all before. */
  readonly number: number;
}

/** A task in a queue. */
export interface Offered {
  /** Number of the task in the queues. */
  readonly sequence: number;
  takeBack(): Promise<void>;
}

/** A task that was taken. Anyone may get it again if its taker is silent for the time of acknowledgement. */
export interface Taken {
  readonly data: Uint8Array;
  /** Number of deliveries, this one included. */
  readonly delivery: number;
  stillWorking(): void;
  done(): void;
  again(): void;
  /** Refuses it: it is not a task. */
  refuse(reason: string): void;
}

export interface Taking {
  stop(): Promise<void>;
}
