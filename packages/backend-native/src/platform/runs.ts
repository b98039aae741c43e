import type { Tensor } from '@heed/core';
import { type EngineRunOptions, onAbort } from '@heed/core/backend';
import { fixedMemory } from '../memory/plain-memory.ts';
import { inHeedsWords } from './errors.ts';

/** Bytes up to which a plain input is copied, where the run then need not be waited for. */
const COPIED_BYTES = 2 ** 14;
/** Microseconds of work, roughly, that may be under way when a run resolves: from then on, an abort has no effect on it. */
const AHEAD = 10_000;

/** Memory that a run reads or fills. */
type Numbers = Pick<Tensor, 'data'>;
type Data = Tensor['data'];

interface Failure {
  readonly error: unknown;
}

/** A run that the pool has. */
interface UnderWay {
  readonly buffers: readonly unknown[];
  readonly results: readonly Data[];
  /** Never rejects. */
  readonly ended: Promise<Failure | null>;
}

/**
 * Starts a run, as the functions of `Binding`.
 *
 * @param control in the order of `Control` in `native/binding/environment.h`.
 */
export type Begin = (
  read: readonly (ArrayBufferView | undefined)[],
  filled: readonly (ArrayBufferView | undefined)[],
  control: Int32Array,
) => Promise<void> | undefined;

/**
 * Runs of a backend. A run whose inputs and results stay in the backend's memory resolves as soon as the pool has it, so the calling
 * thread prepares the next ones meanwhile: one after the other, a batch of MiniLM left the pool idle for a tenth of the time. The pool keeps
 * runs in order by the memory that they read and fill (`native/pool/pool.cc`); JavaScript that touches this memory waits here.
 * Whatever reads the results of a run that failed fails with its error.
 */
export class Runs {
  readonly #underWay = new Set<UnderWay>();
  /** Memory of resident tensors and packed weights, which nobody else writes or transfers. */
  readonly #own = new WeakSet<Data>();
  readonly #failures = new WeakMap<Data, Failure>();
  /** Called when little is under way again. */
  readonly #waiting: (() => void)[] = [];
  #microseconds = 0;

  /** Marks memory as the backend's own. */
  own<T extends Numbers>(tensor: T): T {
    this.#own.add(tensor.data);
    return tensor;
  }

  /** Returns whether a run under way reads or fills a buffer. */
  isUsed(buffer: unknown): boolean {
    for (const { buffers } of this.#underWay) if (buffers.includes(buffer)) return true;
    return false;
  }

  /**
   * Waits until tensors can be read: for the runs before that fill them. Returns undefined if there are none.
   *
   * @throws what the run threw whose results they are.
   */
  readable(tensors: readonly (Numbers | undefined)[]): Promise<void> | undefined {
    const buffers = tensors.map((tensor) => tensor?.data.buffer);
    return this.#after(tensors, ({ results }) => results.some(({ buffer }) => buffers.includes(buffer)));
  }

  /** The same until JavaScript can write to a tensor: for those that read it, too. */
  writable(tensor: Numbers): Promise<void> | undefined {
    return this.#after([tensor], ({ buffers }) => buffers.includes(tensor.data.buffer));
  }

  #after(
    tensors: readonly (Numbers | undefined)[],
    isBefore: (run: UnderWay) => boolean,
  ): Promise<void> | undefined {
    const before = [...this.#underWay].filter(isBefore);
    if (before.length > 0) return this.#untilEnded(before, tensors);
    for (const tensor of tensors) this.#check(tensor);
    return undefined;
  }

  async #untilEnded(before: readonly UnderWay[], tensors: readonly (Numbers | undefined)[]): Promise<void> {
    for (const { ended } of before) await ended;
    for (const tensor of tensors) this.#check(tensor);
  }

  #check(tensor: Numbers | undefined): void {
    const failure = tensor && this.#failures.get(tensor.data);
    if (failure !== undefined) throw failure.error;
  }

  /**
   * Fills results. With `resident: true`, it resolves when they are there or when little work is under way before them.
   *
   * @throws the signal's reason; HeedError `OUT_OF_MEMORY`, `ENGINE`; what the run threw whose results are inputs.
   */
  async run(
    { signal, resident = false }: EngineRunOptions,
    inputs: readonly (Numbers | undefined)[],
    results: readonly (Numbers | undefined)[],
    begin: Begin,
  ): Promise<void> {
    signal?.throwIfAborted();
    const isCopied = resident || inputs.some((input) => input && this.#own.has(input.data));
    let isOwn = true;
    const read = inputs.map((input) => {
      // One that was transferred has no numbers left: the native file refuses it.
      if (input === undefined || input.data.length === 0 || this.#own.has(input.data)) return input?.data;
      if (isCopied && input.data.byteLength <= COPIED_BYTES) return input.data.slice();
      isOwn = false;
      return fixedMemory(input);
    });
    // Where the native file copies inputs, they must be there.
    const waiting = isOwn ? undefined : this.readable(inputs);
    if (waiting !== undefined) await waiting;
    signal?.throwIfAborted();
    for (const input of inputs) this.#check(input);
    const filled = results.map((result) => result?.data);
    const control = new Int32Array(3);
    control[1] = Number(isOwn);
    let endWait: (() => void) | undefined;
    try {
      const running = begin(read, filled, control);
      if (resident) for (const data of filled) if (data !== undefined) this.#own.add(data);
      const before = this.#fillersOf(read);
      if (running === undefined) {
        // The pool was done with them, which this thread has not heard of yet: they may have failed.
        for (const { ended } of before) throwIfFailed(await ended);
        return;
      }
      endWait = signal && onAbort(signal, () => void (control[0] = 1));
      const run = this.#follow(running, before, read, filled, control, signal);
      // The caller may change other inputs as soon as this has resolved.
      if (resident && isOwn) await this.#untilLittleIsAhead(run);
      const isAborted = control[0] !== 0;
      if (resident && isOwn && !isAborted && this.#underWay.has(run)) return;
      throwIfFailed(await run.ended);
    } catch (error) {
      throw inHeedsWords(error);
    } finally {
      endWait?.();
    }
  }

  #fillersOf(read: readonly (Data | ArrayBufferView | undefined)[]): readonly UnderWay[] {
    return [...this.#underWay].filter(({ results }) => results.some((data) => read.includes(data)));
  }

  #follow(
    running: Promise<void>,
    before: readonly UnderWay[],
    read: readonly (Data | ArrayBufferView | undefined)[],
    filled: readonly (Data | undefined)[],
    control: Int32Array,
    signal: AbortSignal | undefined,
  ): UnderWay {
    const microseconds = control[2]!;
    const given = read.filter((data) => data !== undefined) as Data[];
    const results = filled.filter((data) => data !== undefined);
    const untilEnd = async (): Promise<Failure | null> => {
      let failure: Failure | null = null;
      try {
        await running;
        // A run that was stopped has no results.
        if (control[0] !== 0) failure = { error: signal!.reason };
      } catch (error) {
        failure = { error: inHeedsWords(error) };
      }
      for (const { ended } of before) failure ??= await ended;
      this.#microseconds -= microseconds;
      this.#underWay.delete(run);
      if (this.#microseconds <= AHEAD) for (const goOn of this.#waiting.splice(0)) goOn();
      if (failure !== null) for (const data of results) this.#failures.set(data, failure);
      return failure;
    };
    const run: UnderWay = {
      buffers: [...given, ...results].map(({ buffer }) => buffer),
      results,
      ended: untilEnd(),
    };
    this.#microseconds += microseconds;
    this.#underWay.add(run);
    return run;
  }

  async #untilLittleIsAhead(run: UnderWay): Promise<void> {
    if (this.#microseconds <= AHEAD) return;
    await Promise.race([run.ended, new Promise<void>((resolve) => this.#waiting.push(resolve))]);
  }
}

function throwIfFailed(failure: Failure | null): void {
  if (failure !== null) throw failure.error;
}
