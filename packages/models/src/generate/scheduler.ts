import { HeedError, type Tensor } from '@heed/core';
import { nextTurn, onAbort } from '@heed/core/backend';
import type { Decoder } from '../decoder/decoder.ts';
import type { DecoderPages } from '../decoder/pages.ts';
import { commonLength } from '../decoder/texts.ts';

type Scores = Tensor<'float32'>;

/** A caller that waits for the scores after the last token of a text. */
interface Caller {
  readonly resolve: (scores: Scores) => void;
  readonly reject: (error: unknown) => void;
}

/** A text of a batch. */
interface Text {
  /** Texts that came later have higher ones. */
  readonly age: number;
  /** All tokens so far, those that wait to run included. */
  readonly ids: number[];
  /** The number of the first tokens, which run in parts; later ones run one by one. */
  readonly prompt: number;
  /** Its number in the pages; null while it has none. */
  place: number | null;
  /** Null while the caller chooses the next token. */
  caller: Caller | null;
}

/** Tokens of a text that run in the next step. */
interface Part {
  readonly text: Text;
  readonly place: number;
  readonly ids: readonly number[];
  /** True if they are the last that the caller waits for. */
  readonly isLast: boolean;
}

/** Tokens of prompts that run in a step beside the next tokens of other texts: long ones would keep those waiting. */
const PROMPT_TOKENS = 64;

/**
 * Decides which texts run in each step of a {@link DecoderBatch}: those that came first, first.
 *
 * A text gets pages as it grows. Where none is free, the texts that came after it give up theirs, the last one first, and are computed
 * again once there is room, in the same parts as before: so they have the bits that they have alone. The first of the texts that
 * wait to run can always have all pages, so each of them comes to its end.
 */
export class Scheduler {
  readonly #model: Decoder;
  readonly #pages: DecoderPages;
  /** Parts of prompts end at multiples of this, with or without a beginning that is there: a row's bits may depend on their length. */
  readonly #part: number;
  /** In the order in which they came. */
  readonly #texts = new Set<Text>();
  #next = 0;
  #isWorking = false;
  #isOver = false;

  constructor(model: Decoder, pages: DecoderPages) {
    this.#model = model;
    this.#pages = pages;
    this.#part = pages.pageSize * Math.ceil(PROMPT_TOKENS / pages.pageSize);
  }

  /** The number of texts that have pages. */
  get running(): number {
    return this.#count(({ place }) => place !== null);
  }

  /** The number of texts that wait for pages. */
  get waiting(): number {
    return this.#count(({ place, caller }) => place === null && caller !== null);
  }

  /**
   * Begins a text, whose tokens all have room in the pages when nothing else is there.
   *
   * @throws HeedError `DISPOSED`.
   */
  begin(prompt: readonly number[]): BatchedText {
    if (this.#isOver) throw disposed();
    const text: Text = {
      age: this.#next++,
      ids: [],
      prompt: prompt.length,
      place: null,
      caller: null,
    };
    this.#texts.add(text);
    return {
      next: (ids, signal) => this.#run(text, ids, signal),
      end: () => this.#leave(text),
    };
  }

  /** Ends all texts, with the error `DISPOSED` for their callers. The pages remain the owner's to free. */
  end(): void {
    this.#isOver = true;
    for (const { caller } of this.#texts) caller?.reject(disposed());
    this.#texts.clear();
  }

  /** Runs tokens that follow: the scores after them, `[1, V]`. */
  async #run(text: Text, ids: readonly number[], signal: AbortSignal | undefined): Promise<Scores> {
    signal?.throwIfAborted();
    if (this.#isOver) throw disposed();
    let leave = (): void => {};
    const scores = new Promise<Scores>((resolve, reject) => {
      text.ids.push(...ids);
      text.caller = { resolve, reject };
      const abort = (): void => {
        text.caller = null;
        reject(signal!.reason as Error);
      };
      if (signal !== undefined) leave = onAbort(signal, abort);
    });
    if (!this.#isWorking) void this.#work();
    try {
      return await scores;
    } finally {
      leave();
    }
  }

  #leave(text: Text): void {
    if (!this.#texts.delete(text)) return;
    this.#release(text);
    if (!this.#isWorking) void this.#work();
  }

  #release(text: Text): void {
    if (text.place !== null) this.#pages.close(text.place);
    text.place = null;
  }

  /** Runs steps until there is nothing to run. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    try {
      for (;;) {
        // Callers choose their next tokens by the scores of the last step.
        await nextTurn();
        const planned = this.#plan(false);
        // Texts whose callers take their time keep their pages, unless nothing else can go on.
        const parts = planned.length > 0 ? planned : this.#plan(true);
        if (parts.length === 0) return;
        await this.#step(parts);
      }
    } finally {
      this.#isWorking = false;
    }
  }

  /**
   * Chooses what runs in the next step: the next token of each text, and parts of prompts, the first ones first.
   *
   * @param takesIdle whether texts that do not wait to run lose their pages, too.
   */
  #plan(takesIdle: boolean): readonly Part[] {
    const parts: Part[] = [];
    let [promptTokens, taken] = [0, 0];
    let isFull = false;
    for (const text of this.#texts) {
      if (text.caller === null) continue;
      // No text overtakes one that waits for pages.
      if (text.place === null && (isFull || !this.#admit(text, takesIdle))) {
        isFull = true;
        continue;
      }
      const place = text.place!;
      const length = this.#pages.lengthOf(place);
      const isPrompt = length < text.prompt;
      const count = isPrompt ? Math.min(text.prompt - length, this.#part - (length % this.#part)) : 1;
      if (count > 1 && promptTokens > 0 && promptTokens + count > this.#part) continue;
      const pages = this.#pagesOf(length + count) - this.#pagesOf(length);
      if (!this.#makeRoom(text, takesIdle, () => this.#pages.free - taken >= pages)) continue;
      if (count > 1) promptTokens += count;
      taken += pages;
      const ids = text.ids.slice(length, length + count);
      parts.push({ text, place, ids, isLast: length + count === text.ids.length });
    }
    return parts;
  }

  /** Gives a text pages if there is room for all its tokens, and for a page more of each text that runs. Returns whether it has some. */
  #admit(text: Text, takesIdle: boolean): boolean {
    const hasRoom = (): boolean => {
      let promised = 0;
      for (const other of this.#texts) {
        if (other.place === null) continue;
        const length = this.#pages.lengthOf(other.place);
        promised += 1 + this.#pagesOf(other.ids.length) - this.#pagesOf(length);
      }
      const { length } = this.#commonWith(text);
      return this.#pages.free - promised >= this.#pagesOf(text.ids.length) - this.#pagesOf(length);
    };
    if (!this.#makeRoom(text, takesIdle, hasRoom)) return false;
    const { like, length } = this.#commonWith(text);
    text.place = like === null ? this.#pages.open() : this.#pages.fork(like);
    if (like !== null) this.#pages.truncate(text.place, length);
    return true;
  }

  /** The text whose beginning is that of another for longest, in whole parts of prompts that both run: they have the same bits. */
  #commonWith({ ids, prompt }: Text): { readonly like: number | null; readonly length: number } {
    let [like, length] = [null as number | null, 0];
    for (const other of this.#texts) {
      if (other.place === null) continue;
      const limit = Math.min(ids.length - 1, prompt, other.prompt, this.#pages.lengthOf(other.place));
      const common = commonLength(ids, other.ids, limit);
      const parts = common - (common % this.#part);
      if (parts > length) [like, length] = [other.place, parts];
    }
    return { like, length };
  }

  /** Takes pages from texts that came later, the last one first, until there is room for a text. Returns whether there is. */
  #makeRoom(text: Text, takesIdle: boolean, hasRoom: () => boolean): boolean {
    while (!hasRoom()) {
      const others = [...this.#texts].filter((other) => other.place !== null && other !== text).toReversed();
      const victim =
        others.find(({ age }) => age > text.age) ??
        (takesIdle ? others.find(({ caller }) => caller === null) : undefined);
      if (victim === undefined) return false;
      this.#release(victim);
    }
    return true;
  }

  async #step(parts: readonly Part[]): Promise<void> {
    try {
      const results = await this.#model.step(
        this.#pages,
        parts.map(({ place, ids, isLast }) => ({
          text: place,
          ids,
          logits: isLast ? ('last' as const) : ('none' as const),
        })),
      );
      parts.forEach(({ text, isLast }, n) => {
        if (isLast) answer(text, ({ resolve }) => resolve(results[n]!.logits));
      });
    } catch (error) {
      for (const { text } of parts) answer(text, ({ reject }) => reject(error));
    }
  }

  #pagesOf(tokens: number): number {
    return Math.ceil(tokens / this.#pages.pageSize);
  }

  #count(isCounted: (text: Text) => boolean): number {
    return [...this.#texts].filter(isCounted).length;
  }
}

/** A text as its caller sees it. */
export interface BatchedText {
  /**
   * Runs tokens that follow, the prompt first: the scores after them, `[1, V]`. One call at a time.
   *
   * @throws HeedError `DISPOSED`; what a step throws; the signal's reason.
   */
  readonly next: (ids: readonly number[], signal: AbortSignal | undefined) => Promise<Scores>;
  /** Ends the text. */
  readonly end: () => void;
}

/** Answers the caller of a text, if there still is one. */
function answer(text: Text, how: (caller: Caller) => void): void {
  const { caller } = text;
  text.caller = null;
  if (caller !== null) how(caller);
}

function disposed(): HeedError {
  return new HeedError('DISPOSED', 'the batch has been disposed', {
    remedy: 'make another: await DecoderBatch.create(model, { pages })',
  });
}
