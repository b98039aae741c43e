import type { AttentionInputs, AttentionProblem, AttentionResults } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';
import type { Engine } from '../platform/engine.ts';
import type { DeviceTensor } from '../memory/device-tensor.ts';
import { floatInputs } from '../memory/float-inputs.ts';
import { operandsOf } from './operands.ts';
import { resultsOf } from './results.ts';
import type { Run } from './run.ts';
import { newRowResults } from './row-results.ts';
import { computeTile } from './tile.ts';
import { divisionOf, tilesOf } from '../plan/tiles.ts';
import { withWorkspace } from '../memory/workspace.ts';

/** Forward attention, tile by tile. */
export async function forward(
  engine: Engine,
  problem: AttentionProblem,
  inputs: AttentionInputs<DeviceTensor>,
  signal?: AbortSignal,
): Promise<AttentionResults<DeviceTensor>> {
  return withWorkspace(engine, async (workspace) => {
    const floats = await floatInputs(engine, inputs, workspace);
    const visible = visibleKeys(problem, inputs as AttentionInputs);
    const operands = await operandsOf(problem, inputs, floats, visible, workspace);
    const run: Run = { engine, problem, operands, rows: newRowResults(problem), output: null, weights: null };
    try {
      let isFirst = true;
      for (const tile of tilesOf(problem, visible, divisionOf(problem, engine), engine)) {
        if (!isFirst) await engine.settle();
        signal?.throwIfAborted();
        await computeTile(run, tile);
        isFirst = false;
      }
      return await resultsOf(run, inputs, floats);
    } catch (error) {
      for (const array of [run.output, run.weights]) if (array !== null) engine.free(array);
      throw error;
    }
  });
}
