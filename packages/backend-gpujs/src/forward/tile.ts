import { rowChoice, rowMaximum, rowSum } from './programs/rows.ts';
import { scores } from './programs/scores.ts';
import { hardWeights, softWeights } from './programs/weights.ts';
import { addAttended } from './add-attended.ts';
import { addWeights } from './add-weights.ts';
import type { Run } from './run.ts';
import { type Operands, sourceOf } from './operands.ts';
import { place } from './row-results.ts';
import { type Tile, shapeOf } from '../plan/tiles.ts';
import { type Workspace, withWorkspace } from '../memory/workspace.ts';

/** The work on one tile. */
interface Step {
  readonly run: Run;
  readonly tile: Tile;
  readonly workspace: Workspace;
  /** Arguments of the programs. */
  readonly given: Operands & Tile & { readonly scores: unknown };
}

/** Computes a tile and the results that the run keeps. Intermediate arrays stay on the device and are freed. */
export function computeTile(run: Run, tile: Tile): Promise<void> {
  const { engine, problem, operands } = run;
  return withWorkspace(engine, async (workspace) => {
    const scored = await engine.launch(scores, shapeOf(tile), { ...operands, ...tile });
    workspace.keep(scored);
    const step: Step = { run, tile, workspace, given: { ...operands, ...tile, scores: scored } };
    const asked = new Set(problem.outputs);
    const statistics = asked.has('statistics') || asked.has('logSumExp');
    const weights = asked.has('output') || asked.has('weights');
    const hard = problem.selection === 'argmax';

    const softmax = statistics || (weights && !hard) ? await rowStatistics(step, statistics) : null;
    const choices = hard && (weights || asked.has('choice')) ? await rowChoices(step) : null;
    if (!weights) return;
    const weighted = hard ? await oneHot(step, choices) : await normalized(step, softmax!);
    if (asked.has('weights')) {
      run.weights = await addWeights(engine, run.weights, problem, tile, weighted, workspace);
    } else {
      workspace.keep(weighted);
    }
    if (asked.has('output')) await addOutput(step, weighted);
  });
}

interface Softmax {
  readonly maxima: unknown;
  readonly sums: unknown;
}

async function rowStatistics({ run, tile, workspace, given }: Step, asked: boolean): Promise<Softmax> {
  const { engine, problem, rows } = run;
  const count = tile.tileRows * tile.tileSlices;
  const maxima = workspace.keep(await engine.launch(rowMaximum, [count], given));
  const sums = workspace.keep(await engine.launch(rowSum, [count], { ...given, maxima }));
  if (asked) {
    place(rows.rowMax, await engine.download(maxima, count), tile, problem.queryLength);
    place(rows.rowSum, await engine.download(sums, count), tile, problem.queryLength);
  }
  return { maxima, sums };
}

async function rowChoices({ run, tile, workspace, given }: Step): Promise<unknown> {
  const count = tile.tileRows * tile.tileSlices;
  const choices = workspace.keep(await run.engine.launch(rowChoice, [count], given));
  place(run.rows.choice, await run.engine.download(choices, count), tile, run.problem.queryLength);
  return choices;
}

function normalized({ run, tile, given }: Step, softmax: Softmax): Promise<unknown> {
  return run.engine.launch(softWeights, shapeOf(tile), { ...given, ...softmax });
}

function oneHot({ run, tile, given }: Step, choices: unknown): Promise<unknown> {
  return run.engine.launch(hardWeights, shapeOf(tile), { ...given, choices });
}

/** Replaces the output by one that has this tile's rows. */
async function addOutput({ run, tile, given }: Step, weights: unknown): Promise<void> {
  const { engine, problem } = run;
  const source = sourceOf(given.value, problem.layout, problem.kvHeads, problem.keyLength, problem.valueDim);
  const values = { ...given, ...source, weights, factor: 1 };
  run.output = await addAttended(engine, run.output, problem, tile, values);
}
