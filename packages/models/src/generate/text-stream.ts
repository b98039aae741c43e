import type { TextTokenizer } from '../tokenizer/tokenizer.ts';

/** Text of tokens that come one by one, as far as it is certain: whole characters, and not the beginning of a stop string. */
export class TextStream {
  readonly #tokenizer: Pick<TextTokenizer, 'decode'>;
  readonly #stops: readonly string[];
  /** Tokens of the last whole characters: some tokenizers decode a token by the one before it. */
  #before: readonly number[] = [];
  #pending: readonly number[] = [];
  #held = '';

  constructor(tokenizer: Pick<TextTokenizer, 'decode'>, stops: readonly string[]) {
    this.#tokenizer = tokenizer;
    this.#stops = stops;
  }

  /** Returns the text that a token makes certain, and whether a stop string ends the text there. */
  push(id: number): { readonly text: string; readonly isStopped: boolean } {
    this.#pending = [...this.#pending, id];
    const text = this.#textOfPending();
    if (text.endsWith('\uFFFD')) return { text: '', isStopped: false };
    this.#before = this.#pending;
    this.#pending = [];
    this.#held += text;
    const ends = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    if (ends.length > 0) {
      const certain = this.#held.slice(0, Math.min(...ends));
      this.#held = '';
      return { text: certain, isStopped: true };
    }
    return { text: this.#release(this.#held.length - this.#beginningOfStop()), isStopped: false };
  }

  /** Returns the text held back, at the end. */
  end(): string {
    this.#held += this.#textOfPending();
    this.#pending = [];
    return this.#release(this.#held.length);
  }

  #textOfPending(): string {
    const before = this.#tokenizer.decode(this.#before);
    return this.#tokenizer.decode([...this.#before, ...this.#pending]).slice(before.length);
  }

  #release(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }

  /** Length of the longest end of the text that a stop string begins with. */
  #beginningOfStop(): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > longest; length--) {
        if (this.#held.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
