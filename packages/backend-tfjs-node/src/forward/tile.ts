import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import { timesValues } from './contraction.ts';
import type { Tensors } from '../platform/engine.ts';
import { choose } from './hard.ts';
import { mayHaveEmptyRows } from './score-terms.ts';
import { type Scores, scoresOf, selected } from './scores.ts';
import { type Softmax, byRowSum, softmaxOf, weightsOf } from './softmax.ts';
import { type Work, padKeys, tileShape } from './tile-inputs.ts';
import { isEmpty, partsOf } from '../plan/tiles.ts';

/** Functions that compute each result of a tile on request. Axes are `[B, Hq, Lq, …]`. */
type Recipes = Readonly<Record<string, () => TfTensor>>;

/** The results of a tile under the names of outputs, `rowMax` and `rowSum` for statistics. */
export function forwardTile(work: Work): Tensors {
  const names = work.problem.outputs.flatMap((name) =>
    name === 'statistics' ? ['rowMax', 'rowSum'] : [name],
  );
  const recipes = isEmpty(work.tile) ? emptyTile(work) : computedTile(work, names);
  const tensors = names.map((name) => {
    const tensor = recipes[name]!();
    return [name, name === 'weights' ? padKeys(work, tensor, 3) : tensor];
  });
  return Object.fromEntries(tensors) as Tensors;
}

function computedTile(work: Work, names: readonly string[]): Recipes {
  const { selection, sinks } = work.problem;
  if (selection !== 'softmax') return hardTile(work, scoresOf(work));
  // When no row can be empty and nobody asks for statistics, TensorFlow's own softmax is all there is to do.
  const plain = !mayHaveEmptyRows(work) && !sinks;
  return plain && names.every((name) => name === 'output' || name === 'weights')
    ? plainTile(work)
    : softTile(work, scoresOf(work));
}

function plainTile(work: Work): Recipes {
  const small = work.small?.rowsOf(work.tile) ?? 'none';
  return small === 'none' ? softmaxTile(work) : { output: () => smallScoresOutput(work, small) };
}

function softmaxTile(work: Work): Recipes {
  const scored = scoresOf(work);
  const weights = selected(work.tf, scored.allowed, work.tf.softmax(scored.scores), 0);
  return { weights: () => weights, output: () => timesValues(work, scored, weights) };
}

/** The output of a tile in which some rows have small scores; softmax's if their values leave no room for exp. */
function smallScoresOutput(work: Work, small: TfTensor | 'all'): TfTensor {
  const { tf } = work;
  const output = withoutMaximum(work);
  // One number tells for a whole tile that nothing overflowed; if it overflows itself, check the rows.
  if (small === 'all' && Number.isFinite(tf.sum(output).dataSync()[0])) return output;
  const finite = tf.all(tf.isFinite(output), -1, true);
  const kept = small === 'all' ? finite : tf.logicalAnd(small, finite);
  return tf.where(kept, output, softmaxTile(work).output!());
}

function withoutMaximum(work: Work): TfTensor {
  const { tf } = work;
  const parts = partsOf(work.tile).map((tile) => {
    const part = { ...work, tile };
    const scored = scoresOf(part);
    const exponentials = tf.exp(scored.scores);
    return { sum: tf.sum(exponentials, -1, true), product: timesValues(part, scored, exponentials) };
  });
  const [sum, product] = (['sum', 'product'] as const).map((name) =>
    parts.map((part): TfTensor => part[name]).reduce((all, part) => tf.add(all, part)),
  );
  return tf.div(product!, sum!);
}

function softTile(work: Work, scored: Scores): Recipes {
  const softmax = softmaxOf(work, scored);
  return {
    ...statistics(work, () => softmax),
    weights: () => weightsOf(work, scored, softmax),
    output: () => byRowSum(work, timesValues(work, scored, softmax.exponentials), softmax.rowSum),
  };
}

function hardTile(work: Work, scored: Scores): Recipes {
  const { choice, output, weights } = choose(work, scored);
  return {
    ...statistics(work, () => softmaxOf(work, scored)),
    choice: () => choice,
    output: () => output,
    weights: () => weights,
  };
}

function statistics({ tf }: Work, softmax: () => Softmax): Recipes {
  const perRow = (column: TfTensor): TfTensor => tf.squeeze(column, [3]);
  return {
    rowMax: () => perRow(softmax().rowMax),
    rowSum: () => perRow(softmax().rowSum),
    logSumExp() {
      const { rowMax, rowSum } = softmax();
      return perRow(tf.add(rowMax, tf.log(rowSum)));
    },
  };
}

/** Rows that may attend to nothing. The softmax then sums over the sink only. */
function emptyTile(work: Work): Recipes {
  const { tf, problem } = work;
  const [batch, heads, rows] = tileShape(work);
  const perRow = [batch, heads, rows];
  const scores = tf.fill([...perRow, 1], -Infinity);
  // Without rows, too, where all other axes are 1: TensorFlow.js broadcasts a number to one element, not to none.
  const softmax = rows === 0 ? { exponentials: scores, rowMax: scores, rowSum: scores } : null;
  return {
    ...statistics(work, () => softmax ?? softmaxOf(work, { scores })),
    output: () => tf.zeros([...perRow, problem.valueDim]),
    weights: () => tf.zeros([...perRow, 0]),
    choice: () => tf.fill(perRow, -1, 'int32'),
  };
}
