import { seededRandom } from '@heed/layers';
import type { Rating } from './csv.ts';

/** Items that users rated, in the order of time, as their numbers. */
export interface Histories {
  /** Titles, by the numbers of the items. */
  readonly titles: readonly string[];
  readonly users: readonly History[];
}

export interface History {
  /** All items but the last two, oldest first. Models are trained on these alone. */
  readonly trained: readonly number[];
  /** The last item but one, which training is stopped by; null where the time does not say which one it is. */
  readonly validation: number | null;
  /** The last item; null as above. */
  readonly test: number | null;
  /** The last item but one, tied or not. A test may look at it. */
  readonly beforeTest: number | null;
}

export interface HistoryOptions {
  /** Leaves out items with fewer ratings among those that models are trained on. */
  readonly minimum: number;
  /** Items with the same time come in a random order, which this decides. */
  readonly seed: number;
}

/**
 * Histories of all users with three ratings or more. A rating with the time of its neighbor has no place in the order: it is not
 * a target. Neither is an item that is left out, nor one that the user rated before.
 */
export function historiesOf(ratings: readonly Rating[], { minimum, seed }: HistoryOptions): Histories {
  const random = seededRandom(seed);
  const drawn = ratings.map((rating) => ({ rating, place: random() }));
  drawn.sort((a, b) => a.rating.time - b.rating.time || a.place - b.place);
  const byUser = new Map<string, Rating[]>();
  for (const { rating } of drawn) {
    const own = byUser.get(rating.user);
    if (own === undefined) byUser.set(rating.user, [rating]);
    else own.push(rating);
  }
  const lists = [...byUser.values()].filter((list) => list.length >= 3);

  const counts = new Map<string, number>();
  for (const list of lists) {
    for (const { item } of list.slice(0, -2)) counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  const numbers = new Map<string, number>();
  const titles: string[] = [];
  for (const { item, title } of ratings) {
    if (numbers.has(item) || (counts.get(item) ?? 0) < minimum) continue;
    numbers.set(item, titles.length);
    titles.push(title);
  }
  const numberOf = ({ item }: Rating): number | null => numbers.get(item) ?? null;
  const users = lists.map((list) => ({
    trained: list.slice(0, -2).flatMap((rating) => numberOf(rating) ?? []),
    validation: isTarget(list, list.length - 2) ? numberOf(list.at(-2)!) : null,
    beforeTest: numberOf(list.at(-2)!),
    test: isTarget(list, list.length - 1) ? numberOf(list.at(-1)!) : null,
  }));
  return { titles, users };
}

/** Returns whether an item's time is its own, and the user had not rated it before. */
function isTarget(list: readonly Rating[], n: number): boolean {
  const { item, time } = list[n];
  return (
    list.every((other, m) => m === n || other.time !== time) &&
    list.slice(0, n).every((other) => other.item !== item)
  );
}

/** The number of ratings of each item that models are trained on. */
export function popularityOf({ titles, users }: Histories): Float32Array {
  const counts = new Float32Array(titles.length);
  for (const { trained } of users) for (const item of trained) counts[item]++;
  return counts;
}
