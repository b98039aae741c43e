import type { GradientInputs, Statistics } from '../inputs.ts';
import type { Layout } from '../problem.ts';
import type { Tensor } from '../tensor.ts';
import { outputRows } from './parts.ts';

/** A part's row sum, counted from a maximum of the whole row: 0 where the part has no key of the row. */
export function shareOf({ rowMax, rowSum }: Statistics, row: number, max: number): number {
  const sum = rowSum.data[row]!;
  return sum === 0 ? 0 : sum * Math.exp(rowMax.data[row]! - max);
}

/**
 * Inputs that make the gradient over a part of the keys that part of the gradient over all of them. With p the part's
 * share in a row's denominator, its own weights u = w / p, and O the output over all keys, dS = w (dO · V − dO · O) =
 * u (p dO · V − p dO · O): so the part's kernel is given p dO for dO, and O for its own output. Rows that have nothing
 * in the part get zeros, regardless of their content: what a row may not attend to does not reach it.
 *
 * @param own the statistics of the part, as its kernel returned them.
 * @param whole output and statistics over all keys, and the gradient of that output; 16-bit types are not taken.
 */
export function partGradientInputs(
  own: Statistics,
  whole: GradientInputs<Tensor>,
  layout: Layout,
): Pick<GradientInputs<Tensor>, 'output' | 'dOutput' | 'isPart'> {
  const { rowMax, rowSum } = whole.statistics;
  const output = { ...whole.output, data: whole.output.data.slice() } as Tensor;
  const dOutput = { ...whole.dOutput, data: whole.dOutput.data.slice() } as Tensor;
  const depth = output.shape[3]!;
  for (const [row, at] of outputRows(rowMax.shape as [number, number, number], depth, layout)) {
    const share = shareOf(own, row, rowMax.data[row]!) / rowSum.data[row]!;
    const isEmpty = own.rowSum.data[row] === 0;
    for (let n = at; n < at + depth; n++) {
      if (isEmpty) output.data[n] = dOutput.data[n] = 0;
      else dOutput.data[n]! *= share;
    }
  }
  return { output, dOutput, isPart: true };
}
