import type { AttentionInputs, AttentionResults, RunOptions } from '@heed/core';
import type { Tensors } from '../platform/engine.ts';
import { areFiniteForGood, suspectsOf } from './finite.ts';
import { forwardTile } from './tile.ts';
import { Held } from '../memory/held.ts';
import { joined, mapNames } from '../memory/join.ts';
import { inLayout, turned, turnedAndHeld } from '../memory/layout.ts';
import type { Native } from '../memory/memory.ts';
import { scaledProduct } from './scores.ts';
import type { TiledProblem } from '../plan/tiled-problem.ts';
import { inTurns, worksOf } from './works.ts';

export async function forward(
  tiled: TiledProblem,
  inputs: AttentionInputs<Native>,
  options: RunOptions,
): Promise<AttentionResults<Native>> {
  const { batches, kvHeads, rows } = tiled.grid;
  const isOneTile = batches.length * kvHeads.length * rows.length === 1;
  const results = isOneTile ? atOnce(tiled, inputs) : await tileByTile(tiled, inputs, options);
  const { rowMax, rowSum, ...outputs } = results;
  return { ...outputs, ...(rowMax && { statistics: { rowMax, rowSum } }) } as AttentionResults<Native>;
}

/** Computes a problem of one tile, which is small, so that every detour would show. */
function atOnce(tiled: TiledProblem, given: AttentionInputs<Native>): Tensors {
  const { engine, problem } = tiled;
  if (tiled.isTextbook && areFiniteForGood(engine, suspectsOf(problem, given))) return textbook(tiled, given);
  return engine.compute(() => {
    const inputs = { ...given, ...turned(engine.tf, problem, inLayout(given)) };
    const works = worksOf(tiled, inputs, suspectsOf(problem, given));
    const parts = Array.from(works, (work) => forwardTile(work));
    return outputTurned(tiled, parts[0]!);
  });
}

/** Computes two products and a softmax. In a millisecond of work, even empty ranges and absent terms would show. */
function textbook(
  { engine: { tf, compute }, problem }: TiledProblem,
  { query, key, value }: AttentionInputs<Native>,
): Tensors {
  return compute(() => ({
    output: tf.matMul(tf.softmax(scaledProduct(tf, problem.scale, query, key)), value),
  }));
}

async function tileByTile(
  tiled: TiledProblem,
  given: AttentionInputs<Native>,
  options: RunOptions,
): Promise<Tensors> {
  const { engine, problem, grid } = tiled;
  const held = new Held();
  try {
    const inputs = { ...given, ...turnedAndHeld(engine, held, problem, inLayout(given)) };
    const parts: Tensors[] = [];
    for await (const work of inTurns(worksOf(tiled, inputs, suspectsOf(problem, given)), options)) {
      parts.push(held.add(engine.compute(() => forwardTile(work))));
    }
    return engine.compute(() =>
      outputTurned(
        tiled,
        mapNames(parts, (_, tiles) => joined(engine.tf, tiles, grid, [0, 1, 2])),
      ),
    );
  } finally {
    held.freeAll();
  }
}

function outputTurned({ engine, problem }: TiledProblem, results: Tensors): Tensors {
  const { output } = results;
  return output === undefined ? results : { ...results, ...turned(engine.tf, problem, { output }) };
}
