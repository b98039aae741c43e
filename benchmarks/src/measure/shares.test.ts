import { expect, test } from 'vitest';
import { type Need, sharesOf } from './shares.ts';

/** Needs of a contestant that takes so many milliseconds to start and in two rounds, and five times that in all. */
const need = (start: number, least: number): Need => ({ start, least, most: 5 * least });
const enters = (computingMs: number) => ({ enters: true, computingMs });

test('where there is enough for all, nobody has a limit', () => {
  expect(sharesOf(10_000, [need(10, 100), need(30, 300)])).toEqual([enters(Infinity), enters(Infinity)]);
});

test('who wishes for less leaves the rest to the others', () => {
  // 1000 − 20 to start − 310 at least = 670; the first asks for 40 of them.
  expect(sharesOf(1000, [need(10, 10), need(10, 300)])).toEqual([enters(630 + 10), enters(630 + 300)]);
});

test('the cheapest enter first', () => {
  const [slow, fast, slowest] = sharesOf(500, [need(10, 400), need(10, 20), need(10, 9000)]);
  expect(slow).toEqual(enters(430));
  expect(fast).toEqual(enters(50));
  expect(slowest).toEqual({ enters: false, leftMs: 60 });
});

test('one that starts may compute as long as starting takes', () => {
  expect(sharesOf(340, [need(300, 40)])).toEqual([enters(300)]);
});

test('without time nobody enters', () => {
  expect(sharesOf(-5, [need(1, 1)])).toEqual([{ enters: false, leftMs: 0 }]);
  expect(sharesOf(100, [])).toEqual([]);
});
