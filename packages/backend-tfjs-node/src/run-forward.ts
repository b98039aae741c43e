import type { AttentionInputs, AttentionResults, RunOptions } from '@heed/core';
import type { Tensors } from './engine.ts';
import { areFiniteForGood, suspectsOf } from './finite.ts';
import { forwardTile } from './forward.ts';
import { Held } from './held.ts';
import { joined, mapNames } from './join.ts';
import { inLayout, turned, turnedAndHeld } from './layout.ts';
import type { Native } from './memory.ts';
import { scaledProduct } from './scores.ts';
import { type Kernel, inTurns, worksOf } from './turns.ts';

export async function runForward(
  kernel: Kernel,
  inputs: AttentionInputs<Native>,
  options: RunOptions,
): Promise<AttentionResults<Native>> {
  const { batches, kvHeads, rows } = kernel.grid;
  const isOneTile = batches.length * kvHeads.length * rows.length === 1;
  const results = isOneTile ? atOnce(kernel, inputs) : await tileByTile(kernel, inputs, options);
  const { rowMax, rowSum, ...outputs } = results;
  return { ...outputs, ...(rowMax && { statistics: { rowMax, rowSum } }) } as AttentionResults<Native>;
}

/** A problem of one tile is a small one, where every detour would show. */
function atOnce(kernel: Kernel, given: AttentionInputs<Native>): Tensors {
  const { engine, problem } = kernel;
  if (kernel.isTextbook && areFiniteForGood(engine, suspectsOf(problem, given)))
    return textbook(kernel, given);
  return engine.compute(() => {
    const inputs = { ...given, ...turned(engine.tf, problem, inLayout(given)) };
    const works = worksOf(kernel, inputs, suspectsOf(problem, given));
    const parts = Array.from(works, (work) => forwardTile(work));
    return outputTurned(kernel, parts[0]!);
  });
}

/** Where the work itself takes a millisecond, ranges of nothing and terms that are not there would show, too. */
function textbook(
  { engine: { tf, compute }, problem }: Kernel,
  { query, key, value }: AttentionInputs<Native>,
): Tensors {
  return compute(() => ({
    output: tf.matMul(tf.softmax(scaledProduct(tf, problem.scale, query, key)), value),
  }));
}

async function tileByTile(
  kernel: Kernel,
  given: AttentionInputs<Native>,
  options: RunOptions,
): Promise<Tensors> {
  const { engine, problem, grid } = kernel;
  const held = new Held();
  try {
    const inputs = { ...given, ...turnedAndHeld(engine, held, problem, inLayout(given)) };
    const parts: Tensors[] = [];
    for await (const work of inTurns(worksOf(kernel, inputs, suspectsOf(problem, given)), options)) {
      parts.push(held.add(engine.compute(() => forwardTile(work))));
    }
    return engine.compute(() =>
      outputTurned(
        kernel,
        mapNames(parts, (_, tiles) => joined(engine.tf, tiles, grid, [0, 1, 2])),
      ),
    );
  } finally {
    held.freeAll();
  }
}

function outputTurned({ engine, problem }: Kernel, results: Tensors): Tensors {
  const { output } = results;
  return output === undefined ? results : { ...results, ...turned(engine.tf, problem, { output }) };
}
