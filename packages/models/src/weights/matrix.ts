import { HeedError, type StoredWeight, type Tensor } from '@heed/core';
import { decodeBlocks, isBlockType, isHalf, numbersOf, sizeOf } from '@heed/core/backend';

/** A matrix `[out, in]` as a file stores it: float32, 16-bit floats, or blocks of 32 numbers. */
export type Matrix = Tensor<'float32'> | StoredWeight;

/** Elements or bytes of a row in the data of a matrix. */
function rowSize({ shape, data }: Matrix): number {
  return data.length / shape[0]!;
}

function withRows(matrix: Matrix, rows: number, data: Matrix['data']): Matrix {
  return { dtype: matrix.dtype, shape: [rows, ...matrix.shape.slice(1)], data } as Matrix;
}

function emptyLike(data: Matrix['data'], length: number): Matrix['data'] {
  return new (data.constructor as new (size: number) => Matrix['data'])(length);
}

/** A matrix whose row n is row `order(n)` of another one. */
export function reordered(matrix: Matrix, order: (row: number) => number): Matrix {
  const size = rowSize(matrix);
  const [rows] = matrix.shape as [number, number];
  const data = emptyLike(matrix.data, matrix.data.length);
  for (let row = 0; row < rows; row++) {
    const from = order(row) * size;
    data.set(matrix.data.subarray(from, from + size), row * size);
  }
  return withRows(matrix, rows, data);
}

/** Matrices of one type below one another. */
export function stacked(matrices: readonly Matrix[]): Matrix {
  const [first] = matrices as [Matrix];
  if (matrices.length === 1) return first;
  const data = emptyLike(
    first.data,
    matrices.reduce((sum, matrix) => sum + matrix.data.length, 0),
  );
  let at = 0;
  for (const matrix of matrices) {
    data.set(matrix.data, at);
    at += matrix.data.length;
  }
  const rows = matrices.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return withRows(first, rows, data);
}

/** Decodes one row of a matrix. */
export function decodeRow(matrix: Matrix, row: number, to: Float32Array): void {
  const size = rowSize(matrix);
  if (isBlockType(matrix.dtype)) {
    const wide = new Float64Array(to.length);
    decodeBlocks(matrix as Parameters<typeof decodeBlocks>[0], row * to.length, wide);
    to.set(wide);
  } else {
    const data = matrix.data.subarray(row * size, (row + 1) * size);
    to.set(numbersOf({ dtype: matrix.dtype, shape: [size], data } as Tensor));
  }
}

/** The numbers of a stored tensor of any shape, each rounded once to float32. */
export function decoded(stored: Matrix): Tensor<'float32'> {
  if (stored.dtype === 'float32') return stored as Tensor<'float32'>;
  const { shape } = stored;
  const width = shape.at(-1) ?? 1;
  const data = new Float32Array(sizeOf(shape));
  const matrix = { ...stored, shape: [data.length / width, width] } as Matrix;
  for (let row = 0; row * width < data.length; row++) {
    decodeRow(matrix, row, data.subarray(row * width, (row + 1) * width));
  }
  return { dtype: 'float32', shape: [...shape], data };
}

/**
 * Checks what a file has under a name.
 *
 * @throws HeedError `MISSING_INPUT`, `SHAPE` or `DTYPE`.
 */
export function checkMatrix(
  name: string,
  given: Tensor | StoredWeight | undefined,
  shape: readonly number[],
): Matrix {
  const expected = `[${shape.join(', ')}]`;
  if (given === undefined) {
    throw new HeedError('MISSING_INPUT', `the file has no ${name}; expected ${expected}`, {
      clause: 'models.weights',
      remedy: 'check that the configuration and the weights are of the same model',
    });
  }
  if (given.shape.join() !== shape.join()) {
    throw new HeedError('SHAPE', `${name} is [${given.shape.join(', ')}]; expected ${expected}`, {
      clause: 'models.weights',
      remedy: 'check that the configuration and the weights are of the same model',
    });
  }
  if (given.dtype === 'float64') {
    return { dtype: 'float32', shape: given.shape, data: Float32Array.from(given.data as Float64Array) };
  }
  if (given.dtype === 'float32' || isHalf(given.dtype) || isBlockType(given.dtype)) return given as Matrix;
  throw new HeedError('DTYPE', `${name} is ${given.dtype}; expected floats`, {
    clause: 'models.weights',
    remedy: 'check that the file is that of a model',
  });
}
