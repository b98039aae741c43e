import { HeedError, type Tensor } from '@heed/core';

/**
 * Blocks of rows of a stacked tensor.
 *
 * @param shares how much of the rows each block has, against the others.
 * @throws HeedError `SHAPE` when the rows do not come apart so.
 */
export function rowsApart(name: string, stacked: Tensor, shares: readonly number[]): Tensor[] {
  const [rows = 0, ...others] = stacked.shape;
  const unit = rows / shares.reduce((sum, share) => sum + share, 0);
  if (!Number.isInteger(unit)) {
    throw new HeedError(
      'SHAPE',
      `${name} is [${stacked.shape.join(', ')}]; expected rows that come apart as ${shares.join(' : ')}`,
      { remedy: 'check the numbers of heads of the layer' },
    );
  }
  const width = others.reduce((product, length) => product * length, 1);
  let start = 0;
  return shares.map((share) => {
    const end = start + share * unit;
    const data = stacked.data.slice(start * width, end * width);
    start = end;
    return { ...stacked, shape: [share * unit, ...others], data } as Tensor;
  });
}

/** @throws HeedError `SHAPE` for what is not a matrix. */
export function transposed(name: string, matrix: Tensor): Tensor {
  const [rows, columns, ...others] = matrix.shape;
  if (columns === undefined || others.length > 0) {
    throw new HeedError('SHAPE', `${name} is [${matrix.shape.join(', ')}]; expected a matrix [in, out]`, {
      remedy: 'give the weights of a Conv1D of GPT-2, whose axes are exchanged',
    });
  }
  const data = matrix.data.slice();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) data[j * rows + i] = matrix.data[i * columns + j];
  }
  return { ...matrix, shape: [columns, rows], data } as Tensor;
}
