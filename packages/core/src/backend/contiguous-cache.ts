import { numbersOf } from '../float16.ts';
import type { AttentionInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';
import { integerAt } from '../quantize.ts';
import { type Tensor, zeros } from '../tensor.ts';
import { rowStrides } from './strides.ts';

/**
 * Returns the inputs with keys and values in their simplest form, float64 `[kvBatch, Hkv, Lk, D]` in the problem's layout,
 * however they are stored: widened, multiplied by their scales, and gathered from their pages. A ring stays one. Keys without a page are 0.
 *
 * For references and tests: it takes 8 bytes for each number.
 */
export function contiguousCache(
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
): AttentionInputs<Tensor> {
  const { key, value, keyScales, valueScales } = inputs;
  const { headDim, valueDim, groups, valueFromKey } = problem;
  const keys = contiguous(problem, inputs, headDim, numbersIn(key, keyScales, groups?.key));
  return {
    ...inputs,
    key: keys,
    value: valueFromKey
      ? partOfRows(keys, valueFromKey)
      : contiguous(problem, inputs, valueDim, numbersIn(value, valueScales, groups?.value)),
  };
}

function partOfRows({ shape, data }: Tensor, { start, length }: { start: number; length: number }): Tensor {
  const depth = shape[3]!;
  const part = zeros('float64', [...shape.slice(0, 3), length]);
  for (let n = 0; n < part.data.length; n++) {
    part.data[n] = data[Math.floor(n / length) * depth + start + (n % length)]!;
  }
  return part;
}

/** Reads number n of a tensor. */
type Reader = (n: number) => number;

function numbersIn(stored: Tensor, scales: Tensor | undefined, group = 1): Reader {
  if (scales !== undefined) return (n) => integerAt(stored, n) * scales.data[Math.floor(n / group)]!;
  const numbers = numbersOf(stored);
  return (n) => numbers[n]!;
}

function contiguous(
  { kvBatch, kvHeads, keyLength, layout, pages }: AttentionProblem,
  { blockTable }: AttentionInputs<Tensor>,
  depth: number,
  read: Reader,
): Tensor {
  const shape =
    layout === 'bhld' ? [kvBatch, kvHeads, keyLength, depth] : [kvBatch, keyLength, kvHeads, depth];
  const result = zeros('float64', shape);
  const to = rowStrides(layout, kvHeads, keyLength, depth);
  const size = pages?.size ?? keyLength;
  const from = rowStrides(layout, kvHeads, size, depth);
  for (let b = 0; b < kvBatch; b++) {
    for (let j = 0; j < keyLength; j++) {
      const page = pages === null ? b : blockTable!.data[(b * keyLength + j - (j % size)) / size]!;
      if (page === -1) continue;
      for (let h = 0; h < kvHeads; h++) {
        const source = page * from.batch + h * from.head + (j % size) * from.row;
        const target = b * to.batch + h * to.head + j * to.row;
        for (let d = 0; d < depth; d++) result.data[target + d] = read(source + d);
      }
    }
  }
  return result;
}
