import { Worker } from 'node:worker_threads';
import { HeedError, type HeedErrorJSON } from '@heed/core';
import type { Task } from '../run/protocol.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';

export type Computed = Extract<FromThread, { what: 'done' }>;
export type Ready = Extract<FromThread, { what: 'ready' }>;

interface Waiting {
  resolve(computed: Computed): void;
  reject(error: unknown): void;
}

/** The computing thread, as the communicating thread sees it. */
export class Compute {
  readonly #thread: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #get: (name: string) => Promise<Uint8Array>;
  #next = 0;
  /** Error that ended the thread. */
  #ended: Error | null = null;
  /** Rejects when the thread has ended by itself. */
  readonly lost: Promise<never>;
  readonly ready: Promise<Ready>;

  /** @param get fetches a blob. */
  constructor(data: ThreadData, get: (name: string) => Promise<Uint8Array>) {
    this.#get = get;
    this.#thread = new Worker(new URL('./thread.js', import.meta.url), { workerData: data });
    let begin!: (ready: Ready) => void;
    let fail!: (error: unknown) => void;
    let lose!: (error: unknown) => void;
    this.ready = new Promise((resolve, reject) => ([begin, fail] = [resolve, reject]));
    this.lost = new Promise((_, reject) => (lose = reject));
    this.lost.catch(() => undefined);
    this.ready.catch(() => undefined);
    this.#thread.on('message', (message: FromThread) => {
      if (message.what === 'ready') begin(message);
      else if (message.what === 'broken') fail(HeedError.fromJSON(message.error));
      else if (message.what === 'fetch') void this.#fetch(message.name);
      else {
        this.#waiting.get(message.id)?.resolve(message);
        this.#waiting.delete(message.id);
      }
    });
    const end = (error: Error): void => {
      this.#ended ??= error;
      fail(error);
      lose(error);
      for (const { reject } of this.#waiting.values()) reject(this.#ended);
      this.#waiting.clear();
    };
    this.#thread.on('error', end);
    this.#thread.on('exit', (code) =>
      end(
        new HeedError('ENGINE', `the backend's thread ended with ${code}`, {
          remedy: 'start the worker again',
        }),
      ),
    );
  }

  /** @returns the id of the task, to abort it, and its end, which rejects when the thread ends before. */
  perform(task: Task): { readonly id: number; readonly computed: Promise<Computed> } {
    const id = this.#next++;
    const computed = new Promise<Computed>((resolve, reject) => {
      if (this.#ended === null) this.#waiting.set(id, { resolve, reject });
      else reject(this.#ended);
    });
    this.#say({ what: 'task', id, task });
    return { id, computed };
  }

  abort(id: number): void {
    this.#say({ what: 'abort', id });
  }

  free(tensor: string): void {
    this.#say({ what: 'free', tensor });
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }

  async #fetch(name: string): Promise<void> {
    try {
      const bytes = await this.#get(name);
      this.#say({ what: 'blob', name, bytes });
    } catch (error) {
      const json: HeedErrorJSON = HeedError.isInstance(error)
        ? error.toJSON()
        : new HeedError('ENGINE', String((error as Error).message)).toJSON();
      this.#say({ what: 'blob', name, error: json });
    }
  }

  #say(message: ToThread): void {
    this.#thread.postMessage(message);
  }
}
