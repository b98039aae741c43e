import { seededRandom } from '@heed/layers';
import type { Rating } from './csv.ts';

/** Kinds of films, and films of each. */
const [KINDS, EACH] = [6, 20];

/**
 * Generated ratings: everyone watches films of one kind for a while, then of another. Some films of a kind are watched more often.
 */
export function generatedRatings(users: number, seed: number): readonly Rating[] {
  const random = seededRandom(seed);
  const ratings: Rating[] = [];
  for (let user = 0; user < users; user++) {
    const seen = new Set<number>();
    let kind = Math.floor(random() * KINDS);
    for (let time = 0; time < 30; time++) {
      if (random() < 0.1) kind = Math.floor(random() * KINDS);
      const film = kind * EACH + Math.floor(random() ** 2 * EACH);
      if (seen.has(film)) continue;
      seen.add(film);
      ratings.push({ user: `u${user}`, item: `f${film}`, time, title: `film ${film}` });
    }
  }
  return ratings;
}
