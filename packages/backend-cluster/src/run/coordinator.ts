import { HeedError } from '@heed/core';
import { onAbort } from '@heed/core/backend';
import { decode, encode } from '../transport/packet.ts';
import type { Offered, Transport } from '../transport/port.ts';
import { GroupTable } from './groups.ts';
import type { Watch } from './presence.ts';
import { type Answer, type Elsewhere, PROTOCOL, type Presence, type Task, kindOf } from './protocol.ts';

/** A task of a run. */
export interface Job {
  readonly task: Pick<Task, 'problem' | 'inputs' | 'gradient'>;
  /** Tasks of the same part go to the same worker; null: to the one with the least to do. */
  readonly part: number | null;
  /** Place in errors: `keys 0 to 1023`. */
  readonly place: string;
}

/** Answers in the order of the jobs, and their cost. */
export interface Done {
  readonly answers: readonly Answer[];
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

interface Pending {
  readonly index: number;
  readonly job: Job;
  readonly group: number;
  offered: Offered | null;
}

/** Time between two checks for lost answers, in milliseconds. */
const LOOK = 250;
/** Time between two checks beyond which the process itself did not run: its machine slept, or it was stopped. */
const PAUSE = 1000;
/** Number of runs whose answers are deleted together. */
const FORGET_AT = 32;

/**
 * Hands out the tasks of runs and gathers the answers. It counts by the index of the task and ignores answers that come
 * twice, late or for a run that has ended.
 */
export class Coordinator {
  readonly #id: string;
  readonly #kind: string;
  readonly #transport: Transport;
  readonly #watch: Watch;
  readonly #groups: GroupTable;
  readonly #patience: number;
  readonly #runs = new Map<string, Run>();
  readonly #ends: (() => void)[];
  readonly #background = new Set<Promise<unknown>>();
  #ended: string[] = [];
  #next = 0;

  /** @param kind of the workers that may compute. */
  constructor(id: string, kind: string, transport: Transport, watch: Watch, patience: number) {
    this.#id = id;
    this.#kind = kind;
    this.#transport = transport;
    this.#watch = watch;
    this.#patience = patience;
    this.#groups = new GroupTable(() =>
      watch
        .alive()
        .filter((presence) => kindOf(presence) === kind)
        .map(({ worker }) => worker),
    );
    this.#ends = [
      transport.listenForAnswers(id, (name, data) => this.#hear(name, data)),
      transport.listenForGivenUp((sequence) => {
        for (const run of this.#runs.values()) run.givenUp(sequence);
      }),
    ];
  }

  /** Notes that workers are at work: a run that they work on is not stuck. */
  heard({ working }: Presence): void {
    for (const name of working) this.#runs.get(name.slice(0, name.lastIndexOf('/')))?.touched();
  }

  /**
   * Has the workers do all jobs.
   *
   * @param onDone called with the number of jobs that are done.
   * @throws HeedError `UNAVAILABLE` when nobody answers for the time of patience, or the server does not; whatever a
   * worker's backend says of its task, with the place. The signal's reason.
   */
  async perform(
    jobs: readonly Job[],
    signal: AbortSignal | undefined,
    onDone: (done: number) => void,
  ): Promise<Done> {
    signal?.throwIfAborted();
    const id = `${this.#id}.${this.#next++}`;
    const run = new Run(id, jobs.length, onDone);
    this.#runs.set(id, run);
    const look = setInterval(() => this.#look(run), LOOK);
    const endWait = signal && onAbort(signal, () => run.fail(signal.reason));
    try {
      return await run.during(() => this.#offerAll(run, jobs));
    } finally {
      endWait?.();
      clearInterval(look);
      this.#runs.delete(id);
      this.#later(this.#close(run));
    }
  }

  async end(): Promise<void> {
    for (const end of this.#ends) end();
    await Promise.allSettled(this.#background);
    await this.#forgetEnded().catch(() => undefined);
  }

  async #offerAll(run: Run, jobs: readonly Job[]): Promise<void> {
    const offers = jobs.map(async (job, index) => {
      const group = this.#groups.groupOf(job.part);
      const pending: Pending = { index, job, group, offered: null };
      run.pending.set(index, pending);
      this.#groups.begin(group);
      const name = `${run.id}.${index}`;
      const head = { protocol: PROTOCOL, kind: this.#kind, asker: this.#id, run: run.id, index };
      const task: Task = { ...head, ...job.task };
      let bytes = encode(task);
      run.bytesSent += bytes.length;
      if (bytes.length > this.#transport.maximumBytes) {
        await this.#transport.put(`task.${name}`, bytes.length, [bytes]);
        run.stored.push(`task.${name}`);
        bytes = encode({ $elsewhere: `task.${name}` } satisfies Elsewhere);
      }
      pending.offered = await this.#transport.offer(group, name, bytes);
      if (run.isOver) await pending.offered.takeBack();
    });
    await Promise.all(offers);
  }

  #hear(name: string, data: Uint8Array): void {
    const cut = name.lastIndexOf('.');
    const run = this.#runs.get(name.slice(0, cut));
    if (run === undefined) this.#later(this.#discard(data));
    const index = Number(name.slice(cut + 1));
    if (run?.pending.has(index)) this.#later(this.#receive(run, index, data));
  }

  /** Deletes what an answer has stored that comes after its run. */
  async #discard(data: Uint8Array): Promise<void> {
    try {
      const { $elsewhere } = decode(data) as Partial<Elsewhere>;
      if (typeof $elsewhere === 'string' && $elsewhere.startsWith(`answer.${this.#id}.`)) {
        await this.#transport.remove($elsewhere);
      }
    } catch {
      // Garbage, or a store that is out of reach: it goes with the caller.
    }
  }

  async #receive(run: Run, index: number, data: Uint8Array): Promise<void> {
    try {
      const bytes = await this.#whole(run, data);
      const answer = decode(bytes) as Answer;
      const pending = run.pending.get(index);
      if (pending === undefined || typeof answer?.worker !== 'string') return;
      this.#groups.end(pending.group);
      run.answered(pending, answer, bytes.length);
    } catch (error) {
      // Garbage on the subject of an answer is not an answer; a store that is out of reach ends the run.
      if (HeedError.isInstance(error)) run.fail(error);
    }
  }

  async #whole(run: Run, data: Uint8Array): Promise<Uint8Array> {
    const packet = decode(data) as Partial<Elsewhere>;
    if (packet.$elsewhere === undefined) return data;
    run.stored.push(packet.$elsewhere);
    return this.#transport.get(packet.$elsewhere);
  }

  /** Checks for answers that were lost on the way, and for runs that nobody works on. */
  #look(run: Run): void {
    const silence = run.look();
    if (silence > this.#patience) {
      run.fail(this.#stuck(run));
    } else if (silence > LOOK && !run.isLooking) {
      run.isLooking = true;
      this.#later(
        (async () => {
          for (const index of run.pending.keys()) {
            // Without a server, each takes its time, and the end of the backend waits for them.
            if (run.isOver) return;
            const found = await this.#transport.lookUp(`${run.id}.${index}`).catch(() => null);
            if (found !== null && run.pending.has(index)) await this.#receive(run, index, found);
          }
          run.isLooking = false;
        })(),
      );
    }
  }

  #stuck(run: Run): HeedError {
    const place = [...run.pending.values()][0]?.job.place ?? 'the run';
    const alive = this.#watch.alive().length;
    const remedy =
      alive === 0
        ? 'start workers (heed worker) and see that the server is up'
        : 'see what the workers say, or raise patience';
    const who = alive === 0 ? 'no workers are left' : `none of ${alive} workers has answered`;
    return new HeedError(
      'UNAVAILABLE',
      `cluster: ${place}: no progress for ${this.#patience} ms; ${who}; ${remedy}`,
      { remedy },
    );
  }

  /** Cancels tasks that are no longer needed, and deletes what the run has left. */
  async #close(run: Run): Promise<void> {
    run.isOver = true;
    const left = [...run.pending.values()];
    for (const { group } of left) this.#groups.end(group);
    if (left.length > 0) {
      this.#transport.tell('cancel', new TextEncoder().encode(run.id));
      await Promise.all(left.map(({ offered }) => offered?.takeBack()));
    }
    for (const name of run.stored) await this.#transport.remove(name).catch(() => undefined);
    this.#ended.push(run.id);
    if (this.#ended.length >= FORGET_AT) await this.#forgetEnded().catch(() => undefined);
  }

  /** Only after the runs: until then an answer's subject keeps a second one out. */
  async #forgetEnded(): Promise<void> {
    const ended = this.#ended;
    this.#ended = [];
    for (const id of ended) await this.#transport.forget(id);
  }

  #later(work: Promise<unknown>): void {
    this.#background.add(work);
    void work.finally(() => this.#background.delete(work));
  }
}

/** One run under way. */
class Run {
  readonly id: string;
  readonly pending = new Map<number, Pending>();
  /** Blobs to be removed at its end. */
  readonly stored: string[] = [];
  bytesSent = 0;
  isOver = false;
  isLooking = false;
  #lastSign: number = Date.now();
  #lastLook: number = Date.now();
  readonly #answers: Answer[] = [];
  readonly #count: number;
  readonly #onDone: (done: number) => void;
  readonly #ended: Promise<Done>;
  #done = 0;
  #received = 0;
  #resolve!: (done: Done) => void;
  #reject!: (error: unknown) => void;

  constructor(id: string, count: number, onDone: (done: number) => void) {
    this.id = id;
    this.#count = count;
    this.#onDone = onDone;
    this.#ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Offers, and waits for the end; a failure on either side ends the run. */
  during(offer: () => Promise<void>): Promise<Done> {
    offer().catch((error: unknown) => this.fail(error));
    return this.#ended;
  }

  touched(): void {
    this.#lastSign = Date.now();
  }

  /** Returns the milliseconds since the last sign, without those in which this process was paused itself. */
  look(): number {
    const now = Date.now();
    const paused = now - this.#lastLook - LOOK;
    if (paused > PAUSE) this.#lastSign += paused;
    this.#lastLook = now;
    return now - this.#lastSign;
  }

  answered({ index, job }: Pending, answer: Answer, bytes: number): void {
    this.pending.delete(index);
    this.touched();
    if (answer.error !== undefined) {
      const { code, message, clause, remedy } = answer.error;
      const details = { ...(clause !== undefined && { clause }), ...(remedy !== undefined && { remedy }) };
      this.fail(new HeedError(code, `cluster: ${job.place}: worker ${answer.worker}: ${message}`, details));
      return;
    }
    this.#answers[index] = answer;
    this.#received += bytes;
    this.#done++;
    try {
      this.#onDone(this.#done);
    } catch (error) {
      // The caller's own function.
      this.fail(error);
    }
    if (this.#done < this.#count) return;
    this.#resolve({ answers: this.#answers, bytesSent: this.bytesSent, bytesReceived: this.#received });
  }

  givenUp(sequence: number): void {
    for (const { offered, job } of this.pending.values()) {
      if (offered?.sequence !== sequence) continue;
      const remedy =
        'see the last words of the workers: a shard may be too large for their memory; lower shardKeys';
      this.fail(
        new HeedError('ENGINE', `cluster: ${job.place}: every worker that took it was lost; ${remedy}`, {
          remedy,
        }),
      );
    }
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}
