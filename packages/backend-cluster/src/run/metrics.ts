/** Time and bytes of a run, by their use. Times are in milliseconds. */
export interface RunMetrics {
  /** Parts of the keys, each a task of its own. */
  readonly shards: number;
  /** Bytes of the tasks and their tensors, without what workers kept of earlier runs. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Deliveries of tasks beyond the first, after a loss. */
  readonly retries: number;
  /** Time from the call to its result. */
  readonly total: number;
  /** The longest time that a worker computed for its tasks. */
  readonly compute: number;
  /** Time of neither computing nor merging: queues, messages, tensors that workers fetched. */
  readonly wait: number;
  readonly merge: number;
  /** Ids of the workers that answered. */
  readonly workers: readonly string[];
}

/** Progress of a run. */
export interface RunProgress {
  readonly done: number;
  readonly shards: number;
  /** Time since the call, in milliseconds. */
  readonly elapsed: number;
}

/** The numbers of a run, for `plan.lastRun`. */
export function figuresOf({ workers, ...numbers }: RunMetrics): Readonly<Record<string, number>> {
  return { ...numbers, workers: workers.length };
}
