import type { AttentionInputs, RunOptions } from '@heed/core';
import { nextTurn, visibleKeys } from '@heed/core/backend';
import type { Native } from '../memory/memory.ts';
import { type TiledProblem, isSettled } from '../plan/tiled-problem.ts';
import { partsOf, tilesOf } from '../plan/tiles.ts';
import { type Suspect, areFiniteForGood } from './finite.ts';
import { HiddenKeys } from './hidden-keys.ts';
import { SmallScores, mayHaveSmallScores } from './small-scores.ts';
import type { Work } from './tile-inputs.ts';

/** Yields the tiles of a run, each with all that it takes to compute it while it is the current one. */
export function* worksOf(
  { engine, problem, grid, tiles }: TiledProblem,
  inputs: AttentionInputs<Native>,
  suspects: readonly Suspect[],
): Generator<Work> {
  const visible = visibleKeys(problem, inputs);
  const small = mayHaveSmallScores(problem) ? new SmallScores(engine, problem, inputs, visible) : null;
  // Known lengths of queries and keys save another pass over them.
  const unknown = small
    ? suspects.filter(({ tensor }) => tensor !== inputs.query && tensor !== inputs.key)
    : suspects;
  const isFinite = areFiniteForGood(engine, unknown) && (small?.isFinite ?? true);
  const cut = tiles ?? [...tilesOf(problem, grid, visible)];
  const hidden = new HiddenKeys(engine, visible, small ? cut.flatMap(partsOf) : cut, !isSettled(problem));
  try {
    for (const tile of cut) {
      yield { tf: engine.tf, problem, inputs, visible, hidden, isFinite, small, tile };
    }
  } finally {
    hidden.dispose();
  }
}

/** Between two tiles, lets other work on the event loop run and an abort take effect. */
export async function* inTurns(works: Iterable<Work>, { signal }: RunOptions): AsyncGenerator<Work> {
  let isFirst = true;
  for (const work of works) {
    if (!isFirst) await nextTurn();
    signal?.throwIfAborted();
    isFirst = false;
    yield work;
  }
}
