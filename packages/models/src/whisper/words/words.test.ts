import { seededRandom } from '@heed/layers';
import { expect, test } from 'vitest';
import { alignmentMatrix, medians } from './alignment-matrix.ts';
import { splitWords } from './split.ts';
import { timeWarping } from './time-warping.ts';
import {
  type DraftWord,
  cutAtSentences,
  draftWords,
  durationsOf,
  joinPunctuation,
  wordsOfSegments,
} from './times.ts';

/** The least sum over every way from the first row and column to the last. */
function leastSum(costs: Float32Array, rows: number, columns: number, row = 0, column = 0): number {
  const own = costs[row * columns + column]!;
  if (row === rows - 1 && column === columns - 1) return own;
  const next = [
    [row + 1, column + 1],
    [row + 1, column],
    [row, column + 1],
  ].filter(([r, c]) => r! < rows && c! < columns);
  return own + Math.min(...next.map(([r, c]) => leastSum(costs, rows, columns, r, c)));
}

test('time warping takes the cheapest way', () => {
  const seed = 11;
  const random = seededRandom(seed);
  for (let n = 0; n < 100; n++) {
    const [rows, columns] = [1 + Math.floor(5 * random()), 1 + Math.floor(6 * random())];
    const costs = Float32Array.from({ length: rows * columns }, () => random() - 0.5);
    const starts = timeWarping(costs, rows, columns);
    expect(starts[0]).toBe(0);
    // With the rows' beginnings fixed, the rest of the way is: to the right, then down by one or to the next row's beginning.
    let sum = Infinity;
    const follow = (row: number, column: number, before: number): void => {
      const total = before + costs[row * columns + column]!;
      if (row === rows - 1 && column === columns - 1) sum = Math.min(sum, total);
      if (column + 1 < columns) follow(row, column + 1, total);
      for (const next of [column, column + 1]) {
        if (row + 1 < rows && next < columns && starts[row + 1] === next) follow(row + 1, next, total);
      }
    };
    follow(0, 0, 0);
    expect(sum, `seed ${seed}, number ${n}`).toBeCloseTo(leastSum(costs, rows, columns), 5);
  }
});

test('a clear diagonal is followed', () => {
  const costs = Float32Array.from({ length: 12 }, (_, n) =>
    Math.floor((n % 6) / 2) === Math.floor(n / 6) ? -1 : 1,
  );
  expect([...timeWarping(costs, 2, 6)]).toEqual([0, 2]);
});

test('medians of seven, reflected at the ends', () => {
  const row = Float64Array.of(9, 1, 8, 2, 7, 3, 6, 4);
  const into = new Float64Array(8);
  medians(row, into);
  // 2 8 1 9 1 8 2, and 7 3 6 4 6 3 7 at the other end.
  expect(into[0]).toBe(2);
  expect(into[3]).toBe(6);
  expect(into[7]).toBe(6);
  const short = Float64Array.of(3, 1);
  medians(short, into.subarray(0, 2));
  expect([...into.subarray(0, 2)]).toEqual([3, 1]);
});

test('the alignment matrix is the mean over heads of weights normalized over tokens', () => {
  const random = seededRandom(3);
  const [tokens, positions, places] = [4, 12, 10];
  const tensorOf = (): { dtype: 'float32'; shape: number[]; data: Float32Array<ArrayBuffer> } => ({
    dtype: 'float32',
    shape: [1, 2, tokens, positions],
    data: Float32Array.from({ length: 2 * tokens * positions }, random),
  });
  const layers = new Map([
    [0, tensorOf()],
    [2, tensorOf()],
  ]);
  const one = alignmentMatrix(layers, [[0, 1]], places);
  const other = alignmentMatrix(layers, [[2, 0]], places);
  const both = alignmentMatrix(
    layers,
    [
      [0, 1],
      [2, 0],
    ],
    places,
  );
  both.forEach((value, n) => expect(value).toBeCloseTo((one[n]! + other[n]!) / 2, 6));
  const weights = layers.get(0)!.data.subarray(tokens * positions);
  const share = (i: number, j: number): number => {
    const row = weights.subarray(i * positions, i * positions + places);
    return row[j]! / row.reduce((a, b) => a + b);
  };
  const score = (i: number, j: number): number => {
    const column = Array.from({ length: tokens }, (_, n) => share(n, j));
    const mean = column.reduce((a, b) => a + b) / tokens;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / tokens;
    return (share(i, j) - mean) / Math.sqrt(variance);
  };
  const around = [2, 3, 4, 5, 6, 7, 8].map((j) => score(1, j)).sort((a, b) => a - b);
  expect(one[places + 5]).toBeCloseTo(around[3]!, 4);
});

const PIECES = [' It', '’', 's', ' a', '(', 'b', ')', '!', ' caf', 'é', ' \uFFFD', '日', '本'];
const bytes = PIECES.map((piece) => new TextEncoder().encode(piece));
/** Pieces by their numbers; 100 + n and 200 + n are the first byte of one, and the others. */
const decode = (ids: readonly number[]): string =>
  new TextDecoder().decode(
    Uint8Array.from(
      ids.flatMap((id) => {
        const piece = bytes[id % 100]!;
        return [...(id < 100 ? piece : id < 200 ? piece.subarray(0, 1) : piece.subarray(1))];
      }),
    ),
  );

test('words begin with a space or a mark; characters of several tokens stay whole', () => {
  const words = splitWords([0, 101, 201, 2, 3, 4, 5, 6, 7, 8, 109, 209, 10], decode, 'en');
  expect(words.map(({ text }) => text)).toEqual([' It’s', ' a', '(b', ')', '!', ' café', ' \uFFFD']);
  expect(words.flatMap(({ ids }) => ids)).toEqual([0, 101, 201, 2, 3, 4, 5, 6, 7, 8, 109, 209, 10]);
  expect(splitWords([111, 211, 12], decode, 'ja').map(({ text }) => text)).toEqual(['日', '本']);
});

const word = (text: string, start: number, end: number): DraftWord => ({
  text,
  ids: [1],
  start,
  end,
  probability: 1,
});

test('a word lasts to the beginning of the next', () => {
  const split = [
    { text: ' a', ids: [1, 2] },
    { text: ' b', ids: [3] },
  ];
  expect(draftWords(split, [5, 7, 9, 20], [0.5, 1, 0.25])).toEqual([
    { text: ' a', ids: [1, 2], start: 0.1, end: 0.18, probability: 0.75 },
    { text: ' b', ids: [3], start: 0.18, end: 0.4, probability: 0.25 },
  ]);
});

test('punctuation joins its word', () => {
  const words = [
    word(' (', 0, 1),
    word('so', 1, 2),
    word(')', 2, 3),
    word('.', 3, 4),
    word(' "', 4, 5),
    word('x', 5, 6),
  ];
  expect(joinPunctuation(words).map(({ text, start, end, ids }) => [text, start, end, ids.length])).toEqual([
    [' (so).', 1, 2, 4],
    [' "x', 5, 6, 2],
  ]);
});

test('pauses belong to no word', () => {
  const words = [
    word(' a', 0, 0.2),
    word('.', 0.2, 3),
    word(' b', 3, 3.2),
    word('!', 3.2, 3.4),
    word(' c', 3.4, 6),
  ];
  const durations = durationsOf(words);
  expect(durations).toEqual({
    median: expect.closeTo(0.2) as number,
    maximum: expect.closeTo(0.4) as number,
  });
  cutAtSentences(words, durations);
  expect(words[1]!.end).toBeCloseTo(0.6);
  expect(words[4]!.start).toBeCloseTo(5.6);
  expect(durationsOf([])).toEqual({ median: 0, maximum: 0 });
  expect(durationsOf([word(' a', 0, 9)]).median).toBe(0.7);
});

test('the first words behind a pause are cut, and segments take the times of their words', () => {
  const durations = { median: 0.2, maximum: 0.4 };
  const segments = [
    { start: 0, end: 2.1, ids: [1] },
    { start: 5, end: 5.3, ids: [1, 1] },
  ];
  const words = [word(' a', 0, 2), word(' b', 2, 5.2), word(' c', 5.2, 9)];
  const [first, second] = wordsOfSegments(segments, words, durations, 10, 10);
  // It begins at once, without a pause, but lasts too long.
  expect(first).toEqual([{ text: ' a', start: 11.6, end: 12, probability: 1 }]);
  expect(second!.map(({ start, end }) => [start, end])).toEqual([
    [expect.closeTo(18.2) as number, expect.closeTo(18.6) as number],
    [expect.closeTo(18.6) as number, 19],
  ]);
  expect(segments[0]).toMatchObject({ start: 11.6, end: 12 });
});
