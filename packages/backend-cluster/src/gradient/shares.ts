import type { AttentionProblem, Statistics, Tensor } from '@heed/core';
import { outputRows, sharesOf } from '../forward/merge.ts';

/**
 * Inputs that make the gradient over a part of the keys that over all of them. With p the part's share in a
 * denominator, its own weights u = w / p, and O the output over all keys, dS = w (dO · V − dO · O) = u (p dO · V − p dO
 * · O): so the part's kernel is given p dO for dO, and O for its own output. Rows that have nothing in the part get
 * zeros, regardless of their content: what a row may not attend to does not reach it.
 */
export function scaledToPart(
  problem: AttentionProblem,
  own: Statistics,
  whole: { readonly output: Tensor; readonly statistics: Statistics; readonly dOutput: Tensor },
): { readonly output: Tensor; readonly dOutput: Tensor } {
  const shares = sharesOf(own, whole.statistics);
  const output = { ...whole.output, data: whole.output.data.slice() };
  const dOutput = { ...whole.dOutput, data: whole.dOutput.data.slice() };
  for (const [row, at] of outputRows(problem)) {
    const share = shares[row]!;
    for (let n = at; n < at + problem.valueDim; n++) {
      if (share === 0) output.data[n] = dOutput.data[n] = 0;
      else dOutput.data[n]! *= share;
    }
  }
  return { output, dOutput };
}
