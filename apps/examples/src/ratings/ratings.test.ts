import wasm from '@heed/backend-wasm';
import { describe, expect, test } from 'vitest';
import { type Rating, readRatings } from './csv.ts';
import { generatedRatings } from './generated.ts';
import { historiesOf, popularityOf } from './histories.ts';
import { difference, gain, hit, rankOf, surpriseOf } from './measures.ts';
import { SETTINGS } from './settings.ts';
import { popular, reportOf, verdict } from './study.ts';
import { questions, train } from './training.ts';

const rating = (user: string, item: string, time: number): Rating => ({ user, item, time, title: item });

describe('a file of ratings', () => {
  test('columns are found by their names; quotes hold commas, quotes and lines', () => {
    const text =
      'rating,userId,timestamp,movieId,title\r\n5,1,10,7,"Gods, ""The""\nFirst"\r\n3,2,11,8,Dumbo\r\n';
    expect(readRatings(text)).toEqual([
      { user: '1', item: '7', time: 10, title: 'Gods, "The"\nFirst' },
      { user: '2', item: '8', time: 11, title: 'Dumbo' },
    ]);
    expect(readRatings('user,item,time\na,b,1')).toEqual([{ user: 'a', item: 'b', time: 1, title: 'b' }]);
  });

  test('a missing column and a broken line are refused', () => {
    expect(() => readRatings('userId,rating,timestamp\n1,2,3')).toThrow(
      'expected one named movieId or itemId',
    );
    expect(() => readRatings('')).toThrow('expected one named userId');
    expect(() => readRatings('userId,itemId,timestamp\n1,2')).toThrow('rating 1 is 1,2; expected 3 columns');
    expect(() => readRatings('userId,itemId,timestamp\n1,2,soon')).toThrow('a number as time');
    expect(() => readRatings('userId,itemId,timestamp\n1,2,')).toThrow('a number as time');
  });
});

describe('histories', () => {
  test('are in the order of time; the last two items are not trained on', () => {
    const { titles, users } = historiesOf(
      [
        rating('a', 'w', 4),
        rating('a', 'x', 1),
        rating('a', 'y', 2),
        rating('a', 'z', 3),
        rating('b', 'x', 1),
      ],
      { minimum: 0, seed: 1 },
    );
    const named = (n: number | null): string | null => (n === null ? null : titles[n]);
    // b has one rating only.
    expect(users.length).toBe(1);
    expect(users[0].trained.map(named)).toEqual(['x', 'y']);
    expect([users[0].validation, users[0].beforeTest, users[0].test].map(named)).toEqual(['z', 'z', 'w']);
  });

  test.each([
    ['a test item with the time of another', [1, 2, 3, 4, 4], [false, false]],
    ['a validation item with the time of another', [1, 2, 3, 3, 4], [false, true]],
    ['all at their own times', [1, 2, 3, 4, 5], [true, true]],
  ] as const)('%s is not a target', (_, times, [validation, tested]) => {
    const ratings = times.map((time, n) => rating('a', `i${n}`, time));
    const [user] = historiesOf(ratings, { minimum: 0, seed: 1 }).users;
    expect([user.validation !== null, user.test !== null]).toEqual([validation, tested]);
  });

  test('an item that was rated before, or that training has too seldom, is not a target', () => {
    const again = ['p', 'q', 'r', 'p'].map((item, time) => rating('a', item, time));
    expect(historiesOf(again, { minimum: 0, seed: 1 }).users[0].test).toBeNull();
    const rare = ['p', 'q', 'r', 's'].map((item, time) => rating('a', item, time));
    const { users, titles } = historiesOf(rare, { minimum: 1, seed: 1 });
    expect([titles, users[0].validation, users[0].test]).toEqual([['p', 'q'], null, null]);
  });

  test('a question looks at everything before its target, and never at it', () => {
    const histories = historiesOf(generatedRatings(40, 1), { minimum: 2, seed: 1 });
    for (const what of ['validation', 'test'] as const) {
      const asked = questions(histories, what);
      expect(asked.length).toBeGreaterThan(20);
      for (const { history, target } of asked) expect(history).not.toContain(target);
    }
    const trained = histories.users.reduce((sum, user) => sum + user.trained.length, 0);
    expect(popularityOf(histories).reduce((sum, count) => sum + count, 0)).toBe(trained);
  });
});

describe('measures', () => {
  test('a rank counts what the user has not seen; equal scores count by halves', () => {
    const scores = [5, 4, 3, 3, 1];
    expect(rankOf(scores, 0, new Set())).toBe(1);
    expect(rankOf(scores, 4, new Set())).toBe(5);
    expect(rankOf(scores, 4, new Set([0, 1]))).toBe(3);
    expect(rankOf(scores, 2, new Set())).toBe(3.5);
    expect(surpriseOf([0, 0, 0, 5], 1, new Set([3]))).toBeCloseTo(Math.log(3), 12);
    expect(surpriseOf([Math.log(3), 0], 0, new Set())).toBeCloseTo(-Math.log(3 / 4), 12);
    expect(surpriseOf([800, 0], 1, new Set())).toBe(800);
    expect([1, 3, 10, 10.5].map(hit)).toEqual([1, 1, 1, 0]);
    expect([1, 3, 11].map(gain)).toEqual([1, 0.5, 0]);
  });

  test('the interval of a difference has its mean inside; equal lists differ by nothing', () => {
    const a = Array.from({ length: 200 }, (_, n) => (n % 4 === 0 ? 1 : 0));
    const b = Array.from({ length: 200 }, (_, n) => (n % 8 === 0 ? 1 : 0));
    const apart = difference(a, b);
    expect(apart.mean).toBeCloseTo(0.125);
    // By the normal distribution: 0.125 ± 1.96 · √(0.125 · 0.875 / 200).
    expect(apart.interval[0]).toBeCloseTo(0.079, 2);
    expect(apart.interval[1]).toBeCloseTo(0.171, 2);
    expect(verdict(apart)).toBe('better');
    expect(verdict(difference(b, a))).toBe('worse');
    expect(difference(a, a)).toEqual({ mean: 0, interval: [0, 0] });
    expect(verdict(difference(a, a))).toBe('no difference shown');
  });
});

test('a model of 40 generated films learns what popularity does not know, with attention and without', async () => {
  const backend = await wasm.create({ threads: 1 });
  const histories = historiesOf(generatedRatings(150, 2), { minimum: 2, seed: 1 });
  const small = { ...SETTINGS, length: 12, width: 16, batch: 32, others: 24, learningRate: 0.01 };
  const options = { ...small, dropout: 0, epochs: 8, every: 4, seed: 1 };
  const attention = await train(backend, histories, { ...options, attends: true });
  const average = await train(backend, histories, { ...options, attends: false });
  const most = popular(histories);
  expect(attention.parameters).toBe(average.parameters);
  const ahead = (ranks: readonly number[]): number =>
    difference(ranks.map(hit), most.ranks[0].map(hit)).interval[0];
  expect(ahead(attention.ranks)).toBeGreaterThan(0.1);
  expect(ahead(average.ranks)).toBeGreaterThan(0.1);
  const lines = reportOf(histories, [{ name: 'attention', ranks: [attention.ranks] }, most]).join('\n');
  expect(lines).toMatch(/attention less what is rated most: \+0\.\d{3}, 95% of \+.*: better/);
  // The same seed gives the same model.
  const once = { ...options, attends: true, epochs: 1 };
  const ranks = (await train(backend, histories, once)).ranks;
  expect((await train(backend, histories, once)).ranks).toEqual(ranks);
  await backend.dispose();
});

test('the gradient is that of the loss', async () => {
  const backend = await wasm.create({ threads: 1 });
  const { NextItem } = await import('./next-item.ts');
  const { seededRandom } = await import('@heed/layers');
  const { idsOf } = await import('../tensors.ts');
  for (const attends of [true, false]) {
    const popularity = Float32Array.of(5, 3, 2, 7, 1);
    const made = { popularity, length: 4, width: 8, heads: 2, blocks: 2, attends };
    const model = new NextItem({ ...made, random: seededRandom(3) });
    // Larger than at first, so that every part has a say.
    const draw = seededRandom(4);
    for (const { data } of Object.values(model.parameters))
      for (let n = 0; n < data.length; n++) data[n] = draw() - 0.5;
    const lesson = {
      ids: idsOf([0, 1, 2, -1, 3, 3, 4, 0], [2, 4]),
      targets: idsOf([1, 2, 4, -1, 3, 4, 0, 2], [2, 4]),
      others: [0, 3, 3, 1],
      dropout: { probability: 0, seed: 1 },
    };
    const { gradients } = await model.gradient(backend, lesson);
    for (const [name, { data }] of Object.entries(gradients)) {
      // The steepest of each tensor: a small slope drowns in float32.
      const sizes = Array.from(data, Math.abs);
      const n = sizes.indexOf(Math.max(...sizes));
      const own = model.parameters[name].data;
      const before = own[n];
      const losses: number[] = [];
      for (const step of [0.01, -0.01]) {
        own[n] = before + step;
        losses.push((await model.gradient(backend, lesson)).loss);
      }
      own[n] = before;
      const slope = (losses[0] - losses[1]) / 0.02;
      expect(Math.abs(slope - data[n]), name).toBeLessThan(2e-3 + 0.02 * Math.abs(slope));
    }
  }
  await backend.dispose();
});
