import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { HeedError, type Tensor } from '@heed/core';
import { type ConnectionOptions, namespaceOf } from '../options.ts';
import { sweep } from '../run/janitor.ts';
import { Watch, holdersOf, kindsOf } from '../run/presence.ts';
import { type Answer, type Elsewhere, PROTOCOL, type Presence, type Task, kindOf } from '../run/protocol.ts';
import { NatsTransport } from '../transport/nats.ts';
import { bytesOf, decode, encode } from '../transport/packet.ts';
import type { Taken, Taking } from '../transport/port.ts';
import { Claim } from './claim.ts';
import { Compute, type Computed } from './compute.ts';
import { type WorkerOptions, type WorkerSettings, workerOptions } from './options.ts';

/** A running worker. */
export interface ClusterWorker {
  readonly id: string;
  /** Device that its backend really runs on. */
  readonly device: string;
  /** Resolves when it has ended; rejects if its backend was lost, or its place in the namespace to workers of another kind. */
  readonly ended: Promise<void>;
  /** Ends it after the tasks in hand, without new ones. */
  stop(): Promise<void>;
}

/** Time for other workers to announce themselves, in milliseconds. */
const INTRODUCTION = 300;
/** Time to wait for a server that is gone, in milliseconds; the tasks come again anyway. */
const PATIENCE = 60_000;
/** Time between two searches for what dead callers have left, in milliseconds. */
const SWEEP = 900_000;
/** Errors that another attempt may avoid. */
const PASSING = new Set(['OUT_OF_MEMORY', 'ENGINE', 'UNAVAILABLE']);

/**
 * Joins a cluster: takes shards and computes them with a backend, in a thread of its own.
 *
 * @throws HeedError `UNAVAILABLE` when the server cannot be reached, or refuses the credentials; `ARGUMENT` when workers
 * with another backend or level are there; `CONTRACT_VERSION`; `UNKNOWN_OPTION`; whatever the backend's `create` throws.
 */
export async function startWorker(options: WorkerOptions): Promise<ClusterWorker> {
  const settings = workerOptions(options);
  const { acknowledgement, deliveries } = settings;
  const id = `worker-${randomUUID().slice(0, 8)}`;
  const rules = { acknowledgement, deliveries };
  const transport = await NatsTransport.open(options, { name: id, patience: PATIENCE, rules });
  const { backend: backendURL, backendOptions, cacheBytes } = settings;
  const compute = new Compute({ backendURL, backendOptions, cacheBytes }, (name) => transport.get(name));
  try {
    const { contract, backend, device, capabilities } = await compute.ready;
    const { life } = settings;
    const self = {
      protocol: PROTOCOL,
      worker: id,
      contract,
      backend,
      device,
      capabilities,
      life,
    };
    const watch = new Watch(transport);
    watch.call();
    await wait(INTRODUCTION);
    const claim = new Claim(transport, self);
    await claim.take(() => {
      refuseOtherKinds(self, watch.alive(), options);
      watch.call();
    });
    return new RunningWorker(self, { transport, compute, watch, claim, settings });
  } catch (error) {
    await compute.end();
    await transport.close();
    throw error;
  }
}

function refuseOtherKinds(
  self: Omit<Presence, 'working'>,
  others: readonly Presence[],
  options: ConnectionOptions,
): void {
  const own = kindOf(self);
  const found = [...kindsOf(others)].find(([name]) => name !== own);
  if (found === undefined) return;
  const [kind, other] = found;
  const remedy = 'start it with the same backend and level, or in another namespace';
  throw new HeedError(
    'ARGUMENT',
    `cluster: this worker is ${own}; ${other.worker} of namespace ${namespaceOf(options)} is ${kind}: their bits would differ; ${remedy}`,
    { remedy },
  );
}

type Outcome = Omit<Computed, 'what' | 'id'>;

/** Answer to a task for workers of another kind: this one came after the caller's backend was created. */
function refusal(own: string, expected: string): Outcome {
  const remedy = 'end that worker, or create the backend anew';
  const reason = `it is ${own}; the backend was created with ${expected}: their bits would differ`;
  return { error: new HeedError('ARGUMENT', reason, { remedy }).toJSON(), compute: 0, fetched: 0 };
}

interface Parts {
  readonly transport: NatsTransport;
  readonly compute: Compute;
  readonly watch: Watch;
  readonly claim: Claim;
  readonly settings: WorkerSettings;
}

interface InHand {
  readonly taken: Taken;
  /** Id in the thread; null while it is still fetched. */
  thread: number | null;
}

class RunningWorker implements ClusterWorker {
  readonly id: string;
  readonly device: string;
  readonly ended: Promise<void>;
  readonly #self: Omit<Presence, 'working'>;
  readonly #parts: Parts;
  readonly #taking = new Map<number, Promise<Taking>>();
  readonly #inHand = new Map<string, InHand>();
  readonly #timers: NodeJS.Timeout[];
  readonly #ends: (() => void)[];
  #isStopping = false;
  #isDoubting = false;
  #end!: () => void;
  #fail!: (error: unknown) => void;

  constructor(self: Omit<Presence, 'working'>, parts: Parts) {
    this.id = self.worker;
    this.device = self.device;
    this.#self = self;
    this.#parts = parts;
    const { transport, compute, settings } = parts;
    this.ended = new Promise((resolve, reject) => ([this.#end, this.#fail] = [resolve, reject]));
    this.ended.catch(() => undefined);
    compute.lost.catch((error: unknown) => void this.#lose(error));
    this.#ends = [
      transport.listen('who', () => this.#show()),
      transport.listen('cancel', (data) => this.#cancel(new TextDecoder().decode(data))),
      transport.listen('free', (data) => compute.free(new TextDecoder().decode(data))),
    ];
    this.#show();
    this.#hold();
    void this.#sweep();
    this.#timers = [
      setInterval(() => {
        this.#show();
        this.#hold();
      }, settings.life / 5),
      setInterval(() => void this.#sweep(), SWEEP),
      setInterval(() => {
        for (const { taken } of this.#inHand.values()) taken.stillWorking();
      }, settings.acknowledgement / 4),
    ];
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return this.ended;
    this.#isStopping = true;
    await this.#release([...this.#taking.keys()]);
    while (this.#inHand.size > 0) await wait(20);
    await this.#close();
    this.#end();
  }

  async #lose(error: unknown): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#parts.settings.onEvent(`ended: ${(error as Error).message}`);
    for (const { taken } of this.#inHand.values()) taken.again();
    await this.#close();
    this.#fail(error);
  }

  async #close(): Promise<void> {
    const { transport, compute, watch, claim } = this.#parts;
    for (const timer of this.#timers) clearInterval(timer);
    for (const end of this.#ends) end();
    watch.end();
    transport.tell('gone', new TextEncoder().encode(this.id));
    await Promise.all([compute.end(), claim.leave()]);
    await transport.close();
  }

  async #sweep(): Promise<void> {
    const { transport, settings } = this.#parts;
    try {
      for (const caller of await sweep(transport)) {
        settings.onEvent(`the caller ${caller} was silent for an hour: what it had stored is deleted`);
      }
    } catch (error) {
      if (!transport.isClosed) settings.onEvent(`cannot clean the store: ${(error as Error).message}`);
    }
  }

  #show(): void {
    const presence: Presence = { ...this.#self, working: [...this.#inHand.keys()] };
    this.#parts.transport.tell('alive', new TextEncoder().encode(JSON.stringify(presence)));
  }

  /** Ends this worker, if the namespace was given to another kind while it was silent. */
  async #yieldTo(other: Presence): Promise<void> {
    if (this.#isDoubting) return;
    this.#isDoubting = true;
    try {
      if (await this.#parts.claim.holds()) return;
      const remedy = `end ${other.worker} first, or start this worker in another namespace`;
      const silence = `while this worker was silent, ${other.worker}, ${kindOf(other)}, took its place`;
      await this.#lose(new HeedError('ENGINE', `cluster: ${silence}; ${remedy}`, { remedy }));
    } catch (error) {
      this.#parts.settings.onEvent(`cannot read who has the namespace: ${(error as Error).message}`);
    } finally {
      this.#isDoubting = false;
    }
  }

  /** Takes the groups that are this worker's now, and leaves the others. */
  #hold(): void {
    if (this.#isStopping) return;
    const own = kindOf(this.#self);
    const alive = this.#parts.watch.alive();
    const others = alive.filter((other) => kindOf(other) !== own);
    if (others.length > 0) void this.#yieldTo(others[0]!);
    const equals = alive.filter((other) => kindOf(other) === own);
    const workers = [...new Set([this.id, ...equals.map(({ worker }) => worker)])].sort();
    const held = new Set<number>();
    holdersOf(workers).forEach((holder, group) => holder === this.id && held.add(group));
    void this.#release([...this.#taking.keys()].filter((group) => !held.has(group)));
    for (const group of held) {
      if (this.#taking.has(group)) continue;
      const taking = this.#parts.transport.take(group, (taken) => void this.#handle(taken));
      this.#taking.set(group, taking);
      taking.catch((error: Error) => {
        this.#taking.delete(group);
        this.#parts.settings.onEvent(`group ${group} cannot be taken: ${error.message}`);
      });
    }
  }

  async #release(groups: readonly number[]): Promise<void> {
    const taking = groups.map((group) => this.#taking.get(group)!);
    for (const group of groups) this.#taking.delete(group);
    for (const one of taking) await (await one.catch(() => null))?.stop().catch(() => undefined);
  }

  #cancel(run: string): void {
    for (const [name, { taken, thread }] of this.#inHand) {
      if (!name.startsWith(`${run}/`)) continue;
      if (thread !== null) this.#parts.compute.abort(thread);
      taken.done();
    }
  }

  async #handle(taken: Taken): Promise<void> {
    const { transport, settings } = this.#parts;
    let task: Task;
    try {
      task = await this.#taskOf(taken);
    } catch (error) {
      // Its blob may be gone since it was canceled. What is not a task at all never becomes one.
      settings.onEvent(`not a task: ${(error as Error).message}`);
      taken.refuse('not a task');
      return;
    }
    const name = `${task.run}/${task.index}`;
    // Delivered again while it is in hand: the first one will end it.
    if (this.#inHand.has(name)) return;
    const inHand: InHand = { taken, thread: null };
    this.#inHand.set(name, inHand);
    try {
      const own = kindOf(this.#self);
      if (task.kind !== own) return await this.#answer(task, taken, refusal(own, task.kind));
      const { id, computed } = this.#parts.compute.perform(task);
      inHand.thread = id;
      await this.#answer(task, taken, await computed);
    } catch (error) {
      settings.onEvent(`${name}: ${(error as Error).message}`);
      if (!transport.isClosed) taken.again();
    } finally {
      this.#inHand.delete(name);
    }
  }

  async #taskOf(taken: Taken): Promise<Task> {
    let packet = decode(taken.data) as Partial<Task & Elsewhere>;
    if (packet.$elsewhere !== undefined) {
      packet = decode(await this.#parts.transport.get(packet.$elsewhere)) as Partial<Task>;
    }
    if (packet.protocol !== PROTOCOL || typeof packet.run !== 'string' || !Number.isInteger(packet.index)) {
      throw new Error(`protocol ${packet.protocol}; expected ${PROTOCOL}`);
    }
    return packet as Task;
  }

  async #answer(task: Task, taken: Taken, computed: Outcome): Promise<void> {
    const { transport, settings } = this.#parts;
    const { error, results, store, compute, fetched } = computed;
    const isLast = taken.delivery >= settings.deliveries;
    if (error !== undefined && PASSING.has(error.code) && !isLast) {
      settings.onEvent(`${task.run}/${task.index}: ${error.message}; it is tried again`);
      taken.again();
      return;
    }
    for (const [name, tensor] of Object.entries(store ?? {})) {
      await transport.put(name, (tensor as Tensor).data.byteLength, [bytesOf(tensor as Tensor)]);
    }
    const { delivery } = taken;
    const answer: Answer = {
      worker: this.id,
      ...(results && { results }),
      ...(error && { error }),
      compute,
      fetched,
      delivery,
    };
    const name = `${task.run}.${task.index}`;
    let bytes = encode(answer);
    // Under its own name: another worker with the same task may store its answer at the same time.
    const elsewhere = bytes.length > transport.maximumBytes ? `answer.${name}.${this.id}` : null;
    if (elsewhere !== null) {
      await transport.put(elsewhere, bytes.length, [bytes]);
      bytes = encode({ $elsewhere: elsewhere } satisfies Elsewhere);
    }
    const isFirst = await transport.answer(name, bytes);
    if (!isFirst && elsewhere !== null) await transport.remove(elsewhere);
    taken.done();
  }
}
