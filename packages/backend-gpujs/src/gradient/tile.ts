import type { AttentionProblem } from '@heed/core';
import type { Engine } from '../platform/engine.ts';
import { attending } from './programs/attending.ts';
import { dBias, dScores, product, rowDelta } from './programs/gradients.ts';
import { scores, softcapSlopes } from '../forward/programs/scores.ts';
import { softWeights } from '../forward/programs/weights.ts';
import { sizeOf } from '@heed/core/backend';
import { addAttended } from '../forward/add-attended.ts';
import { type Operands, type Source, sourceOf } from '../forward/operands.ts';
import { replaced, rowShape } from '../memory/replaced.ts';
import { take } from '../forward/row-results.ts';
import { type Tile, shapeOf } from '../plan/tiles.ts';
import { type Workspace, withWorkspace } from '../memory/workspace.ts';

/** A gradient in progress. */
export interface GradientRun {
  readonly engine: Engine;
  readonly problem: AttentionProblem;
  readonly operands: Operands;
  /** Arrays of the output and of its gradient. */
  readonly output: unknown;
  readonly dOutput: unknown;
  /** The statistics of the forward pass. */
  readonly rowMax: Float32Array;
  readonly rowSum: Float32Array;
  /** The sinks, and their gradients so far. */
  readonly sinks: Float32Array | null;
  readonly dSinks: Float64Array;
  /** Arrays, complete when all tiles are; null before the first tile. */
  readonly gradients: Record<'dQuery' | 'dKey' | 'dValue' | 'dBias', unknown>;
}

/** The work on one tile. */
interface Step {
  readonly run: GradientRun;
  readonly tile: Tile;
  readonly workspace: Workspace;
  /** Arguments of the programs. */
  readonly given: Operands & Tile & { readonly output: unknown; readonly dOutput: unknown };
}

/** Computes a tile and adds its part of each gradient. Intermediate arrays stay on the device and are freed. */
export function computeGradientTile(run: GradientRun, tile: Tile): Promise<void> {
  return withWorkspace(run.engine, async (workspace) => {
    const given = { ...run.operands, ...tile, output: run.output, dOutput: run.dOutput };
    const step: Step = { run, tile, workspace, given };
    const weights = await weightsOf(step);
    const biased = await scoreGradients(step, weights);
    const products = await productGradients(step, biased);
    await addRows(step, weights, products);
    if (run.problem.bias !== null) await addBias(step, biased);
  });
}

/** The weights, from the statistics of the forward pass. */
async function weightsOf({ run, tile, workspace, given }: Step): Promise<unknown> {
  const { engine, problem } = run;
  const scored = workspace.keep(await engine.launch(scores, shapeOf(tile), given));
  // `non-finite.ts` makes rows non-finite later; the numbers that programs compute for them are not used.
  const finite = (numbers: Float32Array, otherwise: number): Float32Array =>
    take(numbers, tile, problem.queryLength).map((number) => (Number.isFinite(number) ? number : otherwise));
  const maxima = await workspace.upload(finite(run.rowMax, 0));
  const sums = await workspace.upload(finite(run.rowSum, 1));
  return workspace.keep(
    await engine.launch(softWeights, shapeOf(tile), { ...given, scores: scored, maxima, sums }),
  );
}

/** Gradients of the scores as they enter the softmax, which is also that of the bias, and of sinks. */
async function scoreGradients(step: Step, weights: unknown): Promise<unknown> {
  const { run, tile, workspace, given } = step;
  const rows = tile.tileRows * tile.tileSlices;
  const deltas = workspace.keep(await run.engine.launch(rowDelta, [rows], given));
  if (run.sinks !== null) addSinks(run, tile, await run.engine.download(deltas, rows));
  return workspace.keep(await run.engine.launch(dScores, shapeOf(tile), { ...given, weights, deltas }));
}

function addSinks(
  { problem, rowMax, rowSum, sinks, dSinks }: GradientRun,
  tile: Tile,
  deltas: Float32Array,
): void {
  const { heads, queryLength } = problem;
  deltas.forEach((delta, n) => {
    const slice = tile.firstSlice + Math.floor(n / tile.tileRows);
    const row = slice * queryLength + tile.firstRow + (n % tile.tileRows);
    if (rowSum[row] === 0) return;
    const sinkWeight = Math.exp(sinks![slice % heads]! - rowMax[row]!) / rowSum[row]!;
    dSinks[slice % heads]! -= sinkWeight * delta;
  });
}

/** The gradient of scale · query · key: back through the softcap. */
async function productGradients({ run, tile, workspace, given }: Step, biased: unknown): Promise<unknown> {
  if (run.problem.softcap === null) return biased;
  const slopes = workspace.keep(await run.engine.launch(softcapSlopes, shapeOf(tile), given));
  return workspace.keep(
    await run.engine.launch(product, shapeOf(tile), { ...given, left: biased, right: slopes }),
  );
}

async function addRows({ run, tile, given }: Step, weights: unknown, products: unknown): Promise<void> {
  const { engine, problem, gradients, operands, dOutput } = run;
  const { layout, batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, scale } = problem;
  const keys = sourceOf(operands.key, layout, kvHeads, keyLength, headDim);
  const queries = sourceOf(operands.query, layout, heads, queryLength, headDim);
  const outputs = sourceOf(dOutput, layout, heads, queryLength, valueDim);

  const values = { ...given, ...keys, weights: products, factor: scale };
  gradients.dQuery = await addAttended(engine, gradients.dQuery, problem, tile, values);
  const addToKeys = async (
    name: 'dKey' | 'dValue',
    source: Source,
    by: unknown,
    factor: number,
  ): Promise<void> => {
    const shape = rowShape(layout, [batch, kvHeads, keyLength, source.columns]);
    // A program must have threads in every mode.
    if (sizeOf(shape) === 0) return;
    gradients[name] = await replaced(engine, gradients[name], (previous) =>
      engine.launch(attending, shape, { ...given, ...source, ...previous, weights: by, factor }),
    );
  };
  await addToKeys('dKey', queries, products, scale);
  await addToKeys('dValue', outputs, weights, 1);
}

async function addBias({ run, given }: Step, biased: unknown): Promise<void> {
  const { engine, problem, gradients } = run;
  const [batches, heads, rows, keys] = problem.bias!.shape;
  if (keys === 0) return;
  gradients.dBias = await replaced(engine, gradients.dBias, (previous) =>
    engine.launch(dBias, [keys, rows, batches * heads], { ...given, ...previous, gradients: biased }),
  );
}
