import { nextTurn, now } from '@heed/core/backend';

/** Time without a turn of the event loop. */
const TURN_MILLISECONDS = 10;

/** Turns of the event loop between the layers of a run. Each costs a small model's layer as much as its checks do. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #end = now() + TURN_MILLISECONDS;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /**
   * Gives the event loop a turn if it has had none for some time.
   *
   * @throws the signal's reason.
   */
  async give(): Promise<void> {
    if (now() >= this.#end) {
      await nextTurn();
      this.#end = now() + TURN_MILLISECONDS;
    }
    this.#signal?.throwIfAborted();
  }
}
