import { describe, expect, test, vi } from 'vitest';
import { seededRandom } from '../random.ts';
import type { FloatArray } from '../tensors.ts';
import { type Matrix, matrix, multiply, transpose } from './multiply.ts';
import { type TileEngine, projectionDevice, scalarEngine, webAssemblyEngine } from './tile-engine.ts';

const random = seededRandom(1);
const numbers = (size: number) => Float64Array.from({ length: size }, () => random() - 0.5);

function naive(a: Matrix, b: Matrix): Float64Array {
  const at = ({ data, rowStride, columnStride }: Matrix, i: number, j: number) =>
    data[i * rowStride + j * columnStride];
  return Float64Array.from({ length: a.rows * b.columns }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < a.columns; k++) sum += at(a, Math.floor(n / b.columns), k) * at(b, k, n % b.columns);
    return sum;
  });
}

const engines: [
  name: string,
  engine: TileEngine,
  array: typeof Float32Array | typeof Float64Array,
  bound: number,
][] = [
  ['float32, WebAssembly', webAssemblyEngine('float32')!, Float32Array, 1e-5],
  ['float64, WebAssembly', webAssemblyEngine('float64')!, Float64Array, 1e-12],
  ['float32, TypeScript', scalarEngine(), Float32Array, 1e-6],
  ['float64, TypeScript', scalarEngine(), Float64Array, 1e-12],
];

describe.each(engines)('%s', (_, engine, array, bound) => {
  const rounded = (size: number): FloatArray => new array(numbers(size));

  // Below, at and above the sizes of tiles and blocks.
  test.each([
    [1, 1, 1],
    [4, 4, 4],
    [3, 5, 7],
    [5, 9, 3],
    [65, 129, 193],
    [64, 128, 192],
    [2, 131, 400],
    [130, 3, 1],
  ])('[%i, %i] with depth %i, in every transposition', (rows, columns, depth) => {
    const a = matrix(rounded(rows * depth), rows, depth);
    const b = matrix(rounded(depth * columns), depth, columns);
    const aT = transpose(matrix(rounded(rows * depth), depth, rows));
    const bT = transpose(matrix(rounded(depth * columns), columns, depth));
    for (const [left, right] of [
      [a, b],
      [a, bT],
      [aT, b],
      [aT, bT],
    ] as const) {
      const c = new array(rows * columns);
      multiply(left, right, c, undefined, engine);
      const expected = naive(left, right);
      expect(Math.max(...c.map((value: number, n: number) => Math.abs(value - expected[n])))).toBeLessThan(
        bound,
      );
    }
  });

  test('a bias is added to each row, also where there is no depth', () => {
    const c = new array(4);
    multiply(matrix(rounded(0), 2, 0), matrix(rounded(0), 0, 2), c, new array([1, 2]), engine);
    expect([...c]).toEqual([1, 2, 1, 2]);
  });

  test("a row's bits do not depend on the other rows", () => {
    const b = matrix(rounded(400 * 9), 400, 9);
    const all = rounded(70 * 400);
    const together = new array(70 * 9);
    multiply(matrix(all, 70, 400), b, together, undefined, engine);
    const alone = new array(9);
    multiply(matrix(all.subarray(69 * 400), 1, 400), b, alone, undefined, engine);
    expect(alone).toEqual(together.subarray(69 * 9));
  });

  test('what a product left behind is not in the next', () => {
    const large = matrix(rounded(64 * 192).fill(NaN), 64, 192);
    multiply(large, matrix(rounded(192 * 128), 192, 128), new array(64 * 128), undefined, engine);
    const c = new array(1);
    multiply(matrix(new array([2]), 1, 1), matrix(new array([3]), 1, 1), c, undefined, engine);
    expect(c[0]).toBe(6);
  });
});

test('where WebAssembly is not there or not allowed, there is no engine of it, and no other error is hidden', () => {
  const refuse = (error: Error) => ({
    ...WebAssembly,
    CompileError: WebAssembly.CompileError,
    Memory: WebAssembly.Memory,
    // An old-fashioned function, since `new` calls it.
    Module: function Module(): never {
      throw error;
    },
  });
  const cases = [undefined, refuse(new WebAssembly.CompileError('policy')), refuse(new EvalError('policy'))];
  try {
    for (const value of cases) {
      vi.stubGlobal('WebAssembly', value);
      expect(webAssemblyEngine('float32')).toBeNull();
    }
    vi.unstubAllGlobals();
    vi.stubGlobal('WebAssembly', refuse(new RangeError('memory')));
    expect(() => webAssemblyEngine('float32')).toThrow(RangeError);
  } finally {
    vi.unstubAllGlobals();
  }
  expect(projectionDevice()).toBe('WebAssembly, 128-bit vectors');
});
