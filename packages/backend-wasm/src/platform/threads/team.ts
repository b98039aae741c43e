import { HeedError } from '@heed/core';
import { TURN_MILLISECONDS, nextTurn, now, onAbort } from '@heed/core/backend';
import { mayWait } from '../features.ts';
import { clearUpperHalves } from '../wide.ts';
import { type FromWorker, type Job, type TaskFunction, totalTasks } from './job.ts';
import { type Spawn, type Worker, platformSpawn } from './spawn.ts';
import { WORD, atomics } from './words.ts';

/** Seconds in which none of the workers that start has answered, after which they are given up. */
export const MAXIMUM_SILENCE = 30;

/** Calls back every second; returns the end of it. */
export type Second = (onSecond: () => void) => () => void;

const START_REMEDY =
  'set threads: 1, allow workers (worker-src blob: in a content security policy), or serve the worker yourself (option worker)';

/** Remedy for an address that leads to something else. */
const ADDRESS_REMEDY =
  'give the address of @heed/backend-wasm/worker (option worker) and look at what it serves, or set threads: 1';

/** A worker, its modules, and whether it lives. */
interface Member {
  readonly worker: Worker;
  /** Modules that it has instances of. */
  readonly modules: Set<number>;
  /** The index of its word that says whether it is inside a job. */
  readonly inside: number;
  /** It has answered: its module is that of a worker. */
  isReady: boolean;
  dead: boolean;
}

/** Seconds since a worker of those that start has answered, and what gives up the rest. */
interface Silence {
  seconds: number;
  readonly ends: (() => void)[];
}

/** One call on its way. */
interface Call {
  readonly number: number;
  readonly job: Job;
  readonly members: readonly Member[];
  readonly signal: AbortSignal | undefined;
  turnEnd: number;
}

/**
 * Threads that do one job after another together. Each takes the next task when it is done with its last, so that no
 * thread waits for a slower one. This thread takes part, too, unless it may not wait: then it leaves the work to as
 * many workers as there are threads, which report when they are done.
 *
 * Workers stay for the next job, and do not keep the process alive.
 */
export class Team {
  readonly threads: number;
  private readonly memory: WebAssembly.Memory;
  private readonly spawn: Spawn | undefined;
  private readonly second: Second | undefined;
  private readonly waits: boolean;
  private readonly words: Int32Array;
  private members: Member[] = [];
  private number = 0;
  /** Error that stopped a worker during the current job. */
  private trouble: HeedError | null = null;
  /** Workers that are invited to the current job. */
  private invited: readonly Member[] = [];
  /** Called with each message and death that a call may be waiting for. */
  private onNews: () => void = () => undefined;

  private constructor(
    memory: WebAssembly.Memory,
    threads: number,
    spawn: Spawn | undefined,
    second: Second | undefined,
  ) {
    this.memory = memory;
    this.threads = threads;
    this.spawn = spawn;
    this.second = second;
    this.waits = mayWait();
    const bytes = 4 * (WORD.INSIDE + threads);
    this.words = new Int32Array(threads === 1 ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes));
  }

  /**
   * A team whose workers are ready.
   *
   * @param memory shared, unless `threads` is 1.
   * @param second for workers that may never answer, since their module is another's; by default they are waited for.
   * @throws HeedError `UNAVAILABLE` when a worker does not start.
   */
  static async start(
    memory: WebAssembly.Memory,
    threads: number,
    spawn: Spawn | undefined = platformSpawn(),
    second?: Second,
  ): Promise<Team> {
    const team = new Team(memory, threads, spawn, second);
    await team.fill();
    return team;
  }

  /** Number of threads besides this one that are worth having for a job: each needs scratch of its own. */
  helpersFor(tasks: number): number {
    if (this.threads === 1) return 0;
    const workers = this.waits ? this.threads - 1 : this.threads;
    return Math.min(workers, this.waits ? tasks - 1 : tasks);
  }

  /**
   * Runs a job to its end. Jobs do not overlap.
   *
   * @param helpers at most {@link helpersFor}; 0 leaves all to this thread.
   * @throws HeedError `ENGINE` when a thread ends or fails; the signal's reason when it is aborted.
   */
  async run(job: Job, helpers: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (helpers > 0) await this.fill();
    this.number = (this.number % 0x7fffffff) + 1;
    this.trouble = null;
    this.words[WORD.CLAIMED] = 0;
    this.words[WORD.DONE] = 0;
    this.words[WORD.STOP] = 0;
    const members = this.members.slice(0, helpers);
    this.invited = members;
    const turnEnd = now() + TURN_MILLISECONDS;
    const call = { number: this.number, job, members, signal, turnEnd };
    atomics.store(this.words, WORD.OPEN, call.number);
    try {
      for (const [index, member] of members.entries()) this.invite(member, call, index);
      if (this.waits || helpers === 0) await this.takePart(call);
      else await this.standBy(call);
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      atomics.store(this.words, WORD.OPEN, 0);
      await this.allOut(call);
    }
  }

  /** Lets the workers drop their instances of a module. */
  forget(id: number): void {
    for (const { worker, modules } of this.members) if (modules.delete(id)) worker.post({ forget: id });
  }

  async end(): Promise<void> {
    const { members } = this;
    this.members = [];
    await Promise.all(
      members.map((member) => {
        member.dead = true;
        return member.worker.end();
      }),
    );
  }

  /** Starts the workers that are missing: all of them at first, later those that have died. */
  private async fill(): Promise<void> {
    const all = this.threads === 1 ? 0 : this.waits ? this.threads - 1 : this.threads;
    this.members = this.members.filter(({ dead }) => !dead);
    if (this.members.length === all) return;
    const taken = new Set(this.members.map(({ inside }) => inside));
    const free = Array.from({ length: all }, (_, n) => WORD.INSIDE + n).filter(
      (inside) => !taken.has(inside),
    );
    const silence: Silence = { seconds: 0, ends: [] };
    const endSeconds = this.second?.(() => {
      if (++silence.seconds === MAXIMUM_SILENCE) for (const end of silence.ends) end();
    });
    const started = await Promise.allSettled(free.map((inside) => this.startMember(inside, silence)));
    endSeconds?.();
    this.members.push(...started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])));
    const failure = started.find((each) => each.status === 'rejected');
    if (failure === undefined) return;
    await this.end();
    throw failure.reason;
  }

  private startMember(inside: number, silence: Silence): Promise<Member> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string, remedy = START_REMEDY, cause?: unknown): void =>
        reject(new HeedError('UNAVAILABLE', `cannot start a worker thread: ${reason}`, { remedy, cause }));
      if (this.spawn === undefined) return fail('the platform does not have threads');
      this.words[inside] = 0;
      try {
        const worker = this.spawn({
          message: (message) => {
            if (isReady(message)) {
              member.isReady = true;
              silence.seconds = 0;
              worker.hold(false);
              resolve(member);
            } else if (member.isReady) this.hear(message);
            else giveUp('its address is not the module of a worker');
          },
          death: (reason) => {
            fail(reason);
            this.bury(member, reason);
          },
        });
        const member: Member = { worker, modules: new Set(), inside, isReady: false, dead: false };
        const giveUp = (reason: string): void => {
          member.dead = true;
          void worker.end();
          fail(reason, ADDRESS_REMEDY);
        };
        silence.ends.push(() => {
          if (!member.isReady && !member.dead) giveUp(`no answer in ${MAXIMUM_SILENCE} s`);
        });
        worker.hold(true);
        worker.post({ memory: this.memory, words: this.words, inside });
      } catch (error) {
        fail(String(error), START_REMEDY, error);
      }
    });
  }

  private hear(message: Exclude<FromWorker, { ready: true }>): void {
    // Not of an earlier job, which had ended otherwise before this arrived.
    if ('error' in message && message.number === this.number) {
      this.trouble = new HeedError('ENGINE', `a worker thread failed: ${message.error}`, {
        remedy: 'create the backend anew; report the error if it returns',
      });
    }
    this.onNews();
  }

  private bury(member: Member, reason: string): void {
    if (member.dead) return;
    member.dead = true;
    // In a page, a worker whose script has failed is still there.
    void member.worker.end();
    this.words[member.inside] = 0;
    if (!this.invited.includes(member)) return;
    this.trouble = new HeedError('ENGINE', `a worker thread ended during the call: ${reason}`, {
      remedy: 'call again: another thread takes its place',
    });
    this.onNews();
  }

  private invite({ worker, modules }: Member, { number, job }: Call, index: number): void {
    const { id, module } = job.module;
    worker.post({
      number,
      id,
      ...(!modules.has(id) && { module }),
      phases: job.phases,
      frame: job.frame,
      scratch: job.scratch + (1 + index) * job.scratchStride,
      reports: !this.waits,
    });
    modules.add(id);
  }

  /** Takes tasks like the workers do, with turns of the event loop in between. */
  private async takePart(call: Call): Promise<void> {
    const { words } = this;
    const { job } = call;
    let end = 0;
    let task = atomics.add(words, WORD.CLAIMED, 1);
    for (const phase of job.phases) {
      const start = end;
      end += phase.tasks;
      const run = job.module.instance.exports[phase.export] as unknown as TaskFunction;
      while (task < end) {
        if (!this.isDone(start)) await this.until(call, start);
        if (atomics.load(words, WORD.STOP) !== 0) await this.fail();
        runTask(run, phase.firstTask + task - start, job);
        if (atomics.add(words, WORD.DONE, 1) + 1 === end) this.signal();
        if (now() >= call.turnEnd) await this.giveTurn(call);
        task = atomics.add(words, WORD.CLAIMED, 1);
      }
    }
    await this.until(call, end);
  }

  private isDone(tasks: number): boolean {
    return atomics.load(this.words, WORD.DONE) >= tasks;
  }

  /** Waits until so many tasks are finished. */
  private async until(call: Call, tasks: number): Promise<void> {
    for (;;) {
      const signal = atomics.load(this.words, WORD.SIGNAL);
      if (this.isDone(tasks)) return;
      if (atomics.load(this.words, WORD.STOP) !== 0) await this.fail();
      await this.waitBriefly(call, signal);
    }
  }

  /** Waits for another signal, but not beyond the end of this turn. */
  private async waitBriefly(call: Call, signal: number): Promise<void> {
    const time = call.turnEnd - now();
    if (time <= 0) await this.giveTurn(call);
    else atomics.wait(this.words, WORD.SIGNAL, signal, time);
  }

  /** @throws the signal's reason, or what happened to a worker. */
  private async giveTurn(call: Call): Promise<void> {
    await nextTurn();
    call.signal?.throwIfAborted();
    if (this.trouble !== null) throw this.trouble;
    call.turnEnd = now() + TURN_MILLISECONDS;
  }

  /** Waits for the reason that a worker has stopped the job; its message does not keep the process alive. */
  private async fail(): Promise<never> {
    while (this.trouble === null) await nextTurn();
    throw this.trouble;
  }

  /** Stands by, on a thread that may not wait, until the workers report that all is done. */
  private async standBy({ job, members, signal }: Call): Promise<void> {
    const total = totalTasks(job.phases);
    let end: (() => void) | undefined;
    await new Promise<void>((resolve, reject) => {
      if (signal) end = onAbort(signal, () => reject(signal.reason as Error));
      this.onNews = () => {
        const busy = members.some(({ dead, inside }) => !dead && this.words[inside] !== 0);
        if (this.isDone(total) && !busy) resolve();
        else if (this.trouble !== null) reject(this.trouble);
      };
      this.onNews();
    }).finally(() => end?.());
  }

  /** Waits until no worker is inside the job: what it computes on is free then. */
  private async allOut({ members }: Call): Promise<void> {
    for (;;) {
      const signal = atomics.load(this.words, WORD.SIGNAL);
      const busy = members.some(({ dead, inside }) => !dead && atomics.load(this.words, inside) !== 0);
      if (!busy) return;
      if (this.waits) {
        // Long enough for nearly every task; but a worker's end is only heard of in a turn of the event loop.
        if (atomics.wait(this.words, WORD.SIGNAL, signal, TURN_MILLISECONDS) === 'timed-out')
          await nextTurn();
      } else {
        await new Promise<void>((resolve) => (this.onNews = resolve));
      }
    }
  }

  private stop(): void {
    atomics.store(this.words, WORD.STOP, 1);
    this.signal();
  }

  private signal(): void {
    atomics.add(this.words, WORD.SIGNAL, 1);
    if (this.threads > 1) atomics.notify(this.words, WORD.SIGNAL);
  }
}

/** Returns whether a first message, which may be of any module, is that of a worker. */
function isReady(message: FromWorker): message is { readonly ready: true } {
  return (message as Partial<{ ready: true }> | null)?.ready === true;
}

/** @throws HeedError `ENGINE` when the kernel traps. */
export function runTask(
  run: TaskFunction,
  task: number,
  { frame, scratch }: Pick<Job, 'frame' | 'scratch'>,
): void {
  try {
    run(task, frame, scratch);
  } catch (error) {
    throw new HeedError('ENGINE', `a kernel failed: ${String(error)}`, { cause: error });
  } finally {
    clearUpperHalves();
  }
}
