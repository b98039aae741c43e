import { expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { matrix, multiply, transpose } from './multiply.ts';

const random = seededRandom(1);
const numbers = (size: number) => Float64Array.from({ length: size }, () => random() - 0.5);

function naive(a: ReturnType<typeof matrix>, b: ReturnType<typeof matrix>): Float64Array {
  const at = ({ data, rowStride, columnStride }: typeof a, i: number, j: number) =>
    data[i * rowStride + j * columnStride];
  return Float64Array.from({ length: a.rows * b.columns }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < a.columns; k++) sum += at(a, Math.floor(n / b.columns), k) * at(b, k, n % b.columns);
    return sum;
  });
}

// Below, at and above the sizes of tiles and blocks.
test.each([
  [1, 1, 1],
  [4, 4, 4],
  [3, 5, 7],
  [65, 129, 193],
  [64, 128, 192],
  [2, 131, 400],
  [130, 3, 1],
])('[%i, %i] with depth %i, in every transposition', (rows, columns, depth) => {
  const a = matrix(numbers(rows * depth), rows, depth);
  const b = matrix(numbers(depth * columns), depth, columns);
  const aT = transpose(matrix(numbers(rows * depth), depth, rows));
  const bT = transpose(matrix(numbers(depth * columns), columns, depth));
  for (const [left, right] of [
    [a, b],
    [a, bT],
    [aT, b],
    [aT, bT],
  ] as const) {
    const c = new Float64Array(rows * columns);
    multiply(left, right, c);
    const expected = naive(left, right);
    expect(Math.max(...c.map((value, n) => Math.abs(value - expected[n])))).toBeLessThan(1e-12);
  }
});

test('a bias is added to each row', () => {
  const c = new Float64Array(4);
  multiply(matrix(numbers(0), 2, 0), matrix(numbers(0), 0, 2), c, new Float64Array([1, 2]));
  expect([...c]).toEqual([1, 2, 1, 2]);
});

test("a row's bits do not depend on the other rows", () => {
  const b = matrix(numbers(400 * 9), 400, 9);
  const all = numbers(70 * 400);
  const together = new Float32Array(70 * 9);
  multiply(matrix(all, 70, 400), b, together);
  const alone = new Float32Array(9);
  multiply(matrix(all.subarray(69 * 400), 1, 400), b, alone);
  expect(alone).toEqual(together.subarray(69 * 9));
});
