import { holdersOf } from './presence.ts';

/**
 * Chooses queues so that workers have equal amounts of work: parts of the keys in turn, each permanently, since its
 * worker keeps its keys and values; other tasks go to the shortest queue.
 */
export class GroupTable {
  readonly #workers: () => readonly string[];
  readonly #ofPart = new Map<number, number>();
  readonly #waiting = new Map<number, number>();
  #known = '';
  #holders: readonly (string | undefined)[] = holdersOf([]);

  constructor(workers: () => readonly string[]) {
    this.#workers = workers;
  }

  groupOf(part: number | null): number {
    const holders = this.#currentHolders();
    if (part === null) return leastOf(holders, this.#waiting);
    const known = this.#ofPart.get(part);
    if (known !== undefined) return known;
    const parts = new Map<number, number>();
    for (const group of this.#ofPart.values()) parts.set(group, (parts.get(group) ?? 0) + 1);
    const group = leastOf(holders, parts);
    this.#ofPart.set(part, group);
    return group;
  }

  begin(group: number): void {
    this.#waiting.set(group, (this.#waiting.get(group) ?? 0) + 1);
  }

  end(group: number): void {
    this.#waiting.set(group, this.#waiting.get(group)! - 1);
  }

  #currentHolders(): readonly (string | undefined)[] {
    const workers = this.#workers();
    const known = workers.join();
    if (known !== this.#known) {
      this.#known = known;
      this.#holders = holdersOf(workers);
    }
    return this.#holders;
  }
}

/** Returns the least loaded group of the least loaded holder. */
function leastOf(holders: readonly (string | undefined)[], counts: ReadonlyMap<number, number>): number {
  const ofHolder = new Map<string | undefined, number>();
  for (const [group, holder] of holders.entries()) {
    ofHolder.set(holder, (ofHolder.get(holder) ?? 0) + (counts.get(group) ?? 0));
  }
  let best = 0;
  const rank = (group: number): [number, number] => [ofHolder.get(holders[group])!, counts.get(group) ?? 0];
  for (const group of holders.keys()) {
    const [a, b] = [rank(group), rank(best)];
    if (a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])) best = group;
  }
  return best;
}
