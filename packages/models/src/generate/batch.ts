import type { Decoder } from '../decoder/decoder.ts';
import type { DecoderPages, DecoderPagesOptions } from '../decoder/pages.ts';
import { checkModel } from './check.ts';
import { Scheduler } from './scheduler.ts';

const schedulers = new WeakMap<DecoderBatch, Scheduler>();

/** The scheduler of a batch, which runs its texts. */
export function schedulerOf(batch: DecoderBatch): Scheduler {
  return schedulers.get(batch)!;
}

/**
 * Texts of several callers, which run in the same steps: `generate(model, tokenizer, prompt, { batch })`. A text joins while others are
 * under way, as soon as there are pages for its prompt, and leaves when its call ends (continuous batching; Yu et al., "Orca", OSDI
 * 2022). Prompts run in parts beside the next tokens of other texts. Where no page is free, the text that came last gives up its pages
 * and is computed again later (Kwon et al., "PagedAttention", SOSP 2023, section 4.5). Free it with `dispose()`.
 */
export class DecoderBatch {
  readonly model: Decoder;
  readonly #pages: DecoderPages;
  readonly #scheduler: Scheduler;

  private constructor(model: Decoder, pages: DecoderPages) {
    this.model = model;
    this.#pages = pages;
    this.#scheduler = new Scheduler(model, pages);
    schedulers.set(this, this.#scheduler);
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
    return this.#scheduler.running;
  }

  /** The number of texts that wait for pages. */
  get waiting(): number {
    return this.#scheduler.waiting;
  }

  /** The number of tokens that a text may have. */
  get capacity(): number {
    return Math.min(this.#pages.capacity, this.#pages.pages * this.#pages.pageSize);
  }

  /** Ends all texts, with the error `DISPOSED` for their callers, and frees the memory. */
  dispose(): void {
    this.#scheduler.end();
    this.#pages.dispose();
  }
}
