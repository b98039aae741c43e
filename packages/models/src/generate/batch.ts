import { HeedError, type Tensor } from '@heed/core';
import { nextTurn, onAbort } from '@heed/core/backend';
import type { Decoder } from '../decoder/decoder.ts';
import type { DecoderPages, DecoderPagesOptions } from '../decoder/pages.ts';
import { checkModel } from './check.ts';

type Scores = Tensor<'float32'>;

/** A caller that waits. */
interface Caller<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A text that waits for pages. */
interface Waiting extends Caller<BatchedText> {
  readonly ids: readonly number[];
  /** Pages for all that it may have. */
  readonly pages: number;
}

/** Tokens of a text that are to run. */
interface Tokens extends Caller<Scores> {
  readonly text: number;
  ids: readonly number[];
}

/** The first tokens of a call, which run in the next step. */
interface Part {
  readonly call: Tokens;
  readonly count: number;
}

/** Tokens of prompts that run in a step beside the next tokens of other texts: long ones would keep those waiting. */
const PROMPT_TOKENS = 64;

/**
 * Texts of several callers, which run in the same steps: `generate(model, tokenizer, prompt, { batch })`. A text joins while others are
 * under way, as soon as there are pages for all that it may have, and leaves when its call ends (continuous batching; Yu et al.,
 * "Orca", OSDI 2022). Prompts run in parts beside the next tokens of other texts. Free it with `dispose()`.
 */
export class DecoderBatch {
  readonly model: Decoder;
  readonly #pages: DecoderPages;
  /** Parts of prompts end at multiples of this, with or without a beginning that is there: a row's bits may depend on their length. */
  readonly #part: number;
  readonly #waiting = new Set<Waiting>();
  readonly #tokens = new Set<Tokens>();
  #running = 0;
  #reserved = 0;
  #isWorking = false;
  #isDisposed = false;

  private constructor(model: Decoder, pages: DecoderPages) {
    this.model = model;
    this.#pages = pages;
    this.#part = pages.pageSize * Math.ceil(PROMPT_TOKENS / pages.pageSize);
  }

  /**
   * @param options of the pages that the texts share.
   * @throws HeedError what `model.pages` throws.
   */
  static async create(model: Decoder, options: DecoderPagesOptions): Promise<DecoderBatch> {
    checkModel('DecoderBatch.create()', model);
    return new DecoderBatch(model, await model.pages(options));
  }

  /** The number of texts that have pages. */
  get running(): number {
    return this.#running;
  }

  /** The number of texts that wait for pages. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The number of tokens that a text may have. */
  get capacity(): number {
    return Math.min(this.#pages.capacity, this.#pages.pages * this.#pages.pageSize);
  }

  /** Ends all texts, with the error `DISPOSED` for their callers, and frees the memory. */
  dispose(): void {
    this.#isDisposed = true;
    this.#pages.dispose();
    for (const queue of [this.#waiting, this.#tokens]) {
      for (const call of queue) call.reject(disposed());
      queue.clear();
    }
  }

  /**
   * Begins a text, once there are pages for all that it may have. Texts that came before it come first.
   *
   * @param tokens that it may have in all, up to the capacity.
   * @throws HeedError `DISPOSED`; the signal's reason.
   */
  async begin(ids: readonly number[], tokens: number, signal: AbortSignal | undefined): Promise<BatchedText> {
    const pages = Math.ceil(tokens / this.#pages.pageSize);
    return this.#call<BatchedText, Waiting>(this.#waiting, { ids, pages }, signal);
  }

  /** Runs tokens of a text that has begun: the scores after them, `[1, V]`. */
  async run(text: number, ids: readonly number[], signal: AbortSignal | undefined): Promise<Scores> {
    return this.#call<Scores, Tokens>(this.#tokens, { text, ids }, signal);
  }

  /** Ends a text and gives back the pages that it had or was to have. */
  end(text: number, pages: number): void {
    if (this.#isDisposed) return;
    this.#pages.close(text);
    this.#running--;
    this.#reserved -= pages;
    this.#wake();
  }

  /** Puts a call into a queue and waits for its answer, or the abort. */
  async #call<T, Call extends Caller<T>>(
    queue: Set<Call>,
    given: Omit<Call, keyof Caller<T>>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    signal?.throwIfAborted();
    if (this.#isDisposed) throw disposed();
    let leave = (): void => {};
    const answer = new Promise<T>((resolve, reject) => {
      const call = { ...given, resolve, reject } as Caller<T> as Call;
      queue.add(call);
      const abort = (): void => {
        queue.delete(call);
        reject(signal!.reason as Error);
      };
      if (signal !== undefined) leave = onAbort(signal, abort);
    });
    this.#wake();
    try {
      return await answer;
    } finally {
      leave();
    }
  }

  #wake(): void {
    if (this.#isWorking) return;
    this.#isWorking = true;
    void this.#work();
  }

  /** Runs steps until there is nothing to run. */
  async #work(): Promise<void> {
    try {
      for (;;) {
        // Callers choose their next tokens by the scores of the last step.
        await nextTurn();
        if (this.#admit() > 0) await nextTurn();
        const parts = this.#next();
        if (parts.length === 0) return;
        await this.#step(parts);
      }
    } finally {
      this.#isWorking = false;
    }
  }

  /** Begins the texts at the head of the queue that there are pages for, and returns their number. */
  #admit(): number {
    let count = 0;
    for (const call of this.#waiting) {
      if (this.#reserved + call.pages > this.#pages.pages) break;
      this.#waiting.delete(call);
      this.#reserved += call.pages;
      this.#running++;
      const text = this.#pages.open(call.ids);
      const known = this.#pages.lengthOf(text);
      this.#pages.truncate(text, known - (known % this.#part));
      call.resolve(new BatchedText(this, text, call.pages, this.#pages.lengthOf(text)));
      count++;
    }
    return count;
  }

  /** Chooses what runs in the next step: the next token of each text, and parts of prompts, the first ones first. */
  #next(): readonly Part[] {
    const parts: Part[] = [];
    let promptTokens = 0;
    for (const call of this.#tokens) {
      const length = this.#pages.lengthOf(call.text);
      const count = Math.min(call.ids.length, this.#part - (length % this.#part));
      const isPrompt = call.ids.length > 1;
      if (isPrompt && promptTokens > 0 && promptTokens + count > this.#part) continue;
      if (isPrompt) promptTokens += count;
      parts.push({ call, count });
    }
    return parts;
  }

  async #step(parts: readonly Part[]): Promise<void> {
    try {
      const texts = parts.map(({ call: { text, ids }, count }) => ({
        text,
        ids: ids.slice(0, count),
        logits: count < ids.length ? ('none' as const) : ('last' as const),
      }));
      const scores = await this.model.step(this.#pages, texts);
      parts.forEach(({ call, count }, n) => {
        call.ids = call.ids.slice(count);
        if (call.ids.length > 0) return;
        this.#tokens.delete(call);
        call.resolve(scores[n]!.logits);
      });
    } catch (error) {
      for (const { call } of parts) {
        this.#tokens.delete(call);
        call.reject(error);
      }
    }
  }
}

/** A text of a batch. */
export class BatchedText {
  readonly #batch: DecoderBatch;
  readonly #text: number;
  readonly #pages: number;
  /** The number of its first tokens that need not run. */
  #known: number;

  constructor(batch: DecoderBatch, text: number, pages: number, known: number) {
    this.#batch = batch;
    this.#text = text;
    this.#pages = pages;
    this.#known = known;
  }

  /** Runs tokens that follow, the prompt first: the scores after them, `[1, V]`. */
  async next(ids: readonly number[], signal: AbortSignal | undefined): Promise<Scores> {
    const left = ids.slice(this.#known);
    this.#known = 0;
    return this.#batch.run(this.#text, left, signal);
  }

  /** Ends the text. */
  end(): void {
    this.#batch.end(this.#text, this.#pages);
  }
}

function disposed(): HeedError {
  return new HeedError('DISPOSED', 'the batch has been disposed', {
    remedy: 'make another: await DecoderBatch.create(model, { pages })',
  });
}
