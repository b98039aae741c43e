import { setTimeout as wait } from 'node:timers/promises';
import { type Presence, kindOf } from '../run/protocol.ts';
import type { Note, Transport } from '../transport/port.ts';

/** Time between two looks at a claim of another kind, in milliseconds. */
const LOOK = 50;

/** Contents of the note: the kind of the workers that a namespace has, and the one that wrote it last. */
interface Claimed {
  readonly kind: string;
  readonly worker: string;
  /** Silence after which that worker counts as gone, in milliseconds. */
  readonly life: number;
}

/**
 * Claim of a namespace for one kind of workers. Signs of life cannot decide between kinds: two workers that start at once
 * do not hear each other in time, and one that is paused is taken for gone. So the kind is written down at the engine,
 * where each replaces the state that it has read, or none: whoever writes first stays, in whatever order they wake up.
 */
export class Claim {
  readonly #transport: Transport;
  readonly #own: Claimed;
  /** Number of the note, as this worker wrote it. */
  #number = 0;

  constructor(transport: Transport, self: Omit<Presence, 'working'>) {
    this.#transport = transport;
    this.#own = { kind: kindOf(self), worker: self.worker, life: self.life };
  }

  /**
   * Claims the namespace. Where another kind has claimed it, waits until its worker is heard of, or was silent for
   * its life.
   *
   * @param look asks for signs of life, and throws if there is one of another kind.
   */
  async take(look: () => void): Promise<void> {
    let seen = 0;
    let since = 0;
    for (;;) {
      look();
      const note = await this.#transport.note();
      const other = this.#otherOf(note);
      if (note !== null && note.number !== seen) [seen, since] = [note.number, performance.now()];
      if (other === null || performance.now() - since > other.life) {
        if (await this.#write(note)) return;
      } else await wait(LOOK);
    }
  }

  /** Returns whether the namespace is this worker's still, and claims it if it is nobody's. */
  async holds(): Promise<boolean> {
    for (;;) {
      const note = await this.#transport.note();
      if (note !== null) return this.#otherOf(note) === null;
      if (await this.#write(null)) return true;
    }
  }

  /** Leaves the namespace to others, unless another worker has claimed it since. */
  async leave(): Promise<void> {
    if (this.#number > 0) await this.#transport.removeNote(this.#number);
  }

  async #write(replaced: Note | null): Promise<boolean> {
    const data = new TextEncoder().encode(JSON.stringify(this.#own));
    const number = await this.#transport.replaceNote(data, replaced?.number ?? 0);
    if (number !== null) this.#number = number;
    return number !== null;
  }

  /** Returns the claim of another kind, if the note is one. */
  #otherOf(note: Note | null): Claimed | null {
    const claimed = note && parsed(note.data);
    return claimed === null || claimed.kind === this.#own.kind ? null : claimed;
  }
}

/** Returns what is written; null for another program's message on our subject. */
function parsed(data: Uint8Array): Claimed | null {
  try {
    const { kind, worker, life } = JSON.parse(new TextDecoder().decode(data)) as Partial<Claimed>;
    const isClaim = typeof kind === 'string' && typeof worker === 'string' && typeof life === 'number';
    return isClaim ? { kind, worker, life } : null;
  } catch {
    return null;
  }
}
