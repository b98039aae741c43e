import { onAbort } from '@heed/core/backend';

/** Does one piece of work at a time, in the order in which they were asked for. */
export class Queue {
  private last: Promise<void> = Promise.resolve();

  /** @throws what the work throws, or the signal's reason when it is aborted before the work has begun. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const before = this.last;
    const { promise, resolve } = withResolvers();
    this.last = promise;
    try {
      await unlessAborted(before, signal);
      return await work();
    } finally {
      void before.then(resolve);
    }
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let end!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    end = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    end();
  }
}
