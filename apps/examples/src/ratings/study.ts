import { type Histories, popularityOf } from './histories.ts';
import { type Difference, difference, gain, hit, mean, rankOf } from './measures.ts';
import { questions } from './training.ts';

/** Ranks of the test items by one recommender, a list for each seed, in the order of the users. */
export interface Contestant {
  readonly name: string;
  readonly ranks: readonly (readonly number[])[];
}

/** The recommender that shows everybody what is rated most. */
export function popular(histories: Histories): Contestant {
  const popularity = popularityOf(histories);
  const ranks = questions(histories, 'test').map(({ history, target }) =>
    rankOf(popularity, target, new Set(history)),
  );
  return { name: 'what is rated most', ranks: [ranks] };
}

/** A table of the recommenders, and how far the first is ahead of each other, as lines of text. */
export function reportOf(histories: Histories, contestants: readonly Contestant[]): readonly string[] {
  const [first, ...others] = contestants;
  const asked = questions(histories, 'test').length;
  return [
    `${histories.users.length} users, ${histories.titles.length} items; the last item of ${asked} users, among all that each has not rated`,
    '',
    'hit rate at 10 (NDCG at 10)',
    ...contestants.map(({ name, ranks }) => {
      const each = ranks.map((list) => shown(list));
      return `  ${name.padEnd(26)}${shown(ranks.flat())}${each.length > 1 ? `   seeds: ${each.join(', ')}` : ''}`;
    }),
    '',
    ...others.map((other) => {
      const apart = difference(perUser(first, hit), perUser(other, hit));
      return `  ${first.name} less ${other.name}: ${signed(apart.mean)}, 95% of ${interval(apart)}: ${verdict(apart)}`;
    }),
  ];
}

/** The interval's place: above 0, below, or on both sides. */
export function verdict({ interval: [low, high] }: Difference): 'better' | 'worse' | 'no difference shown' {
  return low > 0 ? 'better' : high < 0 ? 'worse' : 'no difference shown';
}

/** A measure of each user, the mean of the seeds. */
function perUser({ ranks }: Contestant, measure: (rank: number) => number): readonly number[] {
  return ranks[0].map((_, user) => mean(ranks.map((list) => measure(list[user]))));
}

function shown(ranks: readonly number[]): string {
  return `${mean(ranks.map(hit)).toFixed(3)} (${mean(ranks.map(gain)).toFixed(3)})`;
}

function interval({ interval: [low, high] }: Difference): string {
  return `${signed(low)} to ${signed(high)}`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}
