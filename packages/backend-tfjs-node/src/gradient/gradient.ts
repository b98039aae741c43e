import type { AttentionGradients, AttentionInputs, GradientInputs, RunOptions } from '@heed/core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Tensors } from '../platform/engine.ts';
import { suspectsOf } from '../forward/finite.ts';
import { gradientTile } from './tile.ts';
import { Held } from '../memory/held.ts';
import { type Joins, joined, mapNames } from '../memory/join.ts';
import { KeySums } from './key-sums.ts';
import { inLayout, turned, turnedAndHeld } from '../memory/layout.ts';
import type { Native } from '../memory/memory.ts';
import { type Tile, lengthOf } from '../plan/tiles.ts';
import type { TiledProblem } from '../plan/tiled-problem.ts';
import { inTurns, worksOf } from '../forward/works.ts';

/** Sums over the rows of some batch elements and key/value heads. */
interface Column {
  readonly top: Tile;
  readonly keySums: KeySums;
}

export async function gradient(
  tiled: TiledProblem,
  given: AttentionInputs<Native>,
  forward: GradientInputs<Native>,
  options: RunOptions,
): Promise<AttentionGradients<Native>> {
  const { engine, problem, grid } = tiled;
  const held = new Held();
  try {
    const inputs = { ...given, ...turnedAndHeld(engine, held, problem, inLayout(given)) };
    const { dOutput, output } = turnedAndHeld(engine, held, problem, {
      dOutput: forward.dOutput,
      output: forward.output,
    });
    const works = worksOf(tiled, inputs, suspectsOf(problem, given, forward.dOutput));
    const parts: Tensors[] = [];
    const columns: Column[] = [];
    for await (const work of inTurns(works, options)) {
      const { tile } = work;
      const { dKey, dValue, ...part } = held.add(
        engine.compute(() => gradientTile(work, { ...forward, dOutput, output })),
      );
      parts.push(part as Tensors);
      if (tile.rows === grid.rows[0]) columns.push({ top: tile, keySums: new KeySums(engine, held) });
      if (dKey && dValue) columns.at(-1)!.keySums.add({ keys: tile.keys, sums: { dKey, dValue } });
    }
    const results = engine.compute(() => ({
      ...joinedParts(tiled, parts, given.bias?.shape),
      ...turned(engine.tf, problem, {
        dKey: keyGradient(tiled, columns, 'dKey', problem.headDim),
        dValue: keyGradient(tiled, columns, 'dValue', problem.valueDim),
      }),
    }));
    held.release(results);
    return results as unknown as AttentionGradients<Native>;
  } finally {
    held.freeAll();
  }
}

function joinedParts(
  { engine: { tf }, problem, grid }: TiledProblem,
  parts: readonly Tensors[],
  biasShape: readonly number[] | undefined,
): Tensors {
  const biasAxis = (axis: number): number | null => (problem.bias?.shape[axis] === 1 ? null : axis);
  const joins: Readonly<Record<string, Joins>> = {
    dQuery: [0, 1, 2],
    dBias: [biasAxis(0), biasAxis(1), biasAxis(2)],
    dSinks: [null, 0, null],
  };
  const whole = mapNames(parts, (name, tiles) => joined(tf, tiles, grid, joins[name]!));
  const { dQuery, dBias } = whole;
  return {
    ...whole,
    ...turned(tf, problem, { dQuery: dQuery! }),
    // An excluded entry is 0 times something, 0 or −0. Which of the two must not depend on what is excluded.
    ...(dBias && { dBias: tf.reshape(tf.add(dBias, 0), [...biasShape!]) }),
  };
}

function keyGradient(
  { engine, problem, grid }: TiledProblem,
  columns: readonly Column[],
  name: string,
  depth: number,
): TfTensor {
  const totals = columns.map(({ top: { batches, kvHeads }, keySums }) =>
    keySums.total(name, [lengthOf(batches), lengthOf(kvHeads), problem.keyLength, depth]),
  );
  const { kvHeads } = grid;
  const whole = joined(engine.tf, totals, { kvHeads, rows: [{ start: 0, end: 0 }] }, [0, 1, null]);
  return problem.kvBatch === problem.batch ? whole : engine.tf.sum(whole, 0, true);
}
