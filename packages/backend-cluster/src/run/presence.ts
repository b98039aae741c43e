import type { Transport } from '../transport/port.ts';
import { GROUPS, type Presence, kindOf } from './protocol.ts';

interface Seen {
  readonly presence: Presence;
  readonly at: number;
}

/** Watches which workers are there: they say so several times a second, and when they leave. */
export class Watch {
  readonly #seen = new Map<string, Seen>();
  readonly #ends: (() => void)[];
  readonly #transport: Transport;

  /** @param hear called for each sign of life. */
  constructor(transport: Transport, hear: (presence: Presence) => void = () => undefined) {
    this.#transport = transport;
    this.#ends = [
      transport.listen('alive', (data) => {
        const presence = parsed(data);
        if (presence === null) return;
        this.#seen.set(presence.worker, { presence, at: Date.now() });
        hear(presence);
      }),
      transport.listen('gone', (data) => void this.#seen.delete(new TextDecoder().decode(data))),
    ];
  }

  /** Asks all workers to show themselves now. */
  call(): void {
    this.#transport.tell('who', new Uint8Array());
  }

  /** Returns the workers with a recent sign of life, in the order of their ids. */
  alive(): Presence[] {
    const now = Date.now();
    return [...this.#seen.values()]
      .filter(({ presence, at }) => now - at < presence.life)
      .map(({ presence }) => presence)
      .sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }

  end(): void {
    for (const end of this.#ends) end();
  }
}

function parsed(data: Uint8Array): Presence | null {
  try {
    const presence: unknown = JSON.parse(new TextDecoder().decode(data));
    return isPresence(presence) ? presence : null;
  } catch {
    // Another program's message on our subject.
    return null;
  }
}

/** Checks all that is read of it, except the versions: those of another have an error of their own. */
function isPresence(value: unknown): value is Presence {
  const { worker, backend, device, life, working, capabilities } = (value ?? {}) as Partial<Presence>;
  const { dtypes, features, guarantees } = capabilities ?? {};
  const areTexts = (list: unknown): boolean =>
    Array.isArray(list) && list.every((one) => typeof one === 'string');
  return (
    typeof life === 'number' &&
    [worker, backend, device].every((text) => typeof text === 'string') &&
    [working, dtypes, features, guarantees].every(areTexts)
  );
}

/**
 * Returns the holder of each group: the worker with the largest hash of both (rendezvous hashing, Thaler and
 * Ravishankar 1998), so that only the groups of a worker that comes or goes change hands. Holding needs no lease: for a
 * moment two may take from one queue, which gives each task to one of them; it costs a shard that is loaded twice.
 */
export function holdersOf(workers: readonly string[]): readonly (string | undefined)[] {
  return Array.from({ length: GROUPS }, (_, group) => {
    let best: string | undefined;
    let bestHash = -1;
    for (const worker of workers) {
      const hash = hashOf(`${worker}/${group}`);
      if (hash > bestHash) [best, bestHash] = [worker, hash];
    }
    return best;
  });
}

/** FNV-1a of 32 bits, with the finalizer of MurmurHash3: the names differ in few letters. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Names of the kinds of workers that are there, each with a worker of it. */
export function kindsOf(workers: readonly Presence[]): Map<string, Presence> {
  return new Map(workers.map((presence) => [kindOf(presence), presence]));
}
