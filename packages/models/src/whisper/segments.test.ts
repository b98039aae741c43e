import { expect, test } from 'vitest';
import { markedSegments } from './segments.ts';

const FIRST = 100;
/** Timestamp at a place. */
const at = (place: number): number => FIRST + place;

test('segments between pairs of timestamps; the rest is for the next window', () => {
  const tokens = [at(0), 1, 2, at(50), at(60), 3, at(100), at(100), 4];
  const { segments, advance, isComplete } = markedSegments(tokens, FIRST, 30, 3000);
  expect(segments).toEqual([
    { start: 30, end: 31, tokens: [at(0), 1, 2, at(50)] },
    { start: 31.2, end: 32, tokens: [at(60), 3, at(100)] },
  ]);
  expect([advance, isComplete]).toEqual([200, false]);
});

test('one timestamp at the end: the window is complete', () => {
  const tokens = [at(0), 1, at(50), at(60), 3, at(100)];
  const { segments, advance, isComplete } = markedSegments(tokens, FIRST, 0, 2500);
  expect(segments.map(({ end }) => end)).toEqual([1, 2]);
  expect([advance, isComplete]).toEqual([2500, true]);
});

test('no pair: one segment, to the last timestamp or the end of the sound', () => {
  expect(markedSegments([at(0), 1, 2], FIRST, 30, 500)).toMatchObject({
    segments: [{ start: 30, end: 35 }],
    advance: 500,
  });
  expect(markedSegments([at(0), 1, at(80)], FIRST, 30, 500).segments[0]).toMatchObject({
    start: 30,
    end: 31.6,
  });
  expect(markedSegments([], FIRST, 0, 500).segments).toHaveLength(1);
});
