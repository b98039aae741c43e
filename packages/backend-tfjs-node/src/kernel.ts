import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  AttentionGradients,
  AttentionInputs,
  AttentionProblem,
  AttentionResults,
  GradientInputs,
  Plan,
  RunOptions,
} from '@heed/core';
import { type KernelDefinition, visibleKeys } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine, Tensors } from './engine.ts';
import { type Suspect, areFiniteForGood, suspectsOf } from './finite.ts';
import { forwardTile } from './forward.ts';
import { gradientTile } from './gradient.ts';
import { Held } from './held.ts';
import { type Joins, joined } from './join.ts';
import { KeySums } from './key-sums.ts';
import { headMajor, turned } from './layout.ts';
import type { Native } from './memory.ts';
import { type Work, lengthOf } from './tile-inputs.ts';
import { type TileGrid, type TileLimits, tileGrid, tilesOf } from './tiles.ts';

interface Kernel {
  readonly engine: Engine;
  readonly problem: AttentionProblem;
  readonly grid: TileGrid;
}

export function tensorflowKernel(
  engine: Engine,
  problem: AttentionProblem,
  limits?: TileLimits,
): KernelDefinition<Native> {
  const kernel = { engine, problem, grid: tileGrid(problem, limits) };
  return {
    plan: planOf(kernel),
    run: (inputs, options) => forward(kernel, inputs, options),
    gradient: (inputs, given, options) => gradient(kernel, inputs, given, options),
  };
}

/** TensorFlow holds the scores, their exponentials, and one array in between. */
const ARRAYS_OF_SCORES = 3;

function planOf({ problem, grid }: Kernel): Plan {
  const [batches, kvHeads, rows] = [grid.batches, grid.kvHeads, grid.rows].map((ranges) =>
    Math.max(...ranges.map(lengthOf)),
  ) as [number, number, number];
  const scores = batches * kvHeads * (problem.heads / problem.kvHeads) * rows * problem.keyLength;
  return {
    algorithm: 'matMul, softmax, matMul over tiles of query rows, float32',
    tile: { query: rows, key: problem.keyLength },
    scratchBytes: 4 * ARRAYS_OF_SCORES * scores,
  };
}

/** Every tile in turn. Between two of them other work on the event loop gets its turn, and an abort its effect. */
async function* works(
  { engine, problem, grid }: Kernel,
  inputs: AttentionInputs<Native>,
  suspects: readonly Suspect[],
  { signal }: RunOptions,
): AsyncGenerator<Work> {
  const visible = visibleKeys(problem, inputs);
  const isFinite = areFiniteForGood(engine, suspects);
  let isFirst = true;
  for (const tile of tilesOf(problem, grid, visible)) {
    if (!isFirst) await nextTurn();
    signal?.throwIfAborted();
    isFirst = false;
    yield { tf: engine.tf, problem, inputs, visible, isFinite, tile };
  }
}

async function forward(
  kernel: Kernel,
  given: AttentionInputs<Native>,
  options: RunOptions,
): Promise<AttentionResults<Native>> {
  const { engine, problem, grid } = kernel;
  const held = new Held();
  try {
    const inputs = headMajor(engine, held, problem, given, ['query', 'key', 'value']);
    const parts: Tensors[] = [];
    for await (const work of works(kernel, inputs, suspectsOf(problem, given), options)) {
      parts.push(held.add(engine.compute(() => forwardTile(work))));
    }
    const results = engine.compute(() =>
      mapNames(parts[0]!, (name) => {
        const whole = joined(
          engine.tf,
          parts.map((part) => part[name]!),
          grid,
          [0, 1, 2],
        );
        return name === 'output' ? turned(engine, problem, whole) : whole;
      }),
    );
    held.release(results);
    return asResults(results);
  } finally {
    held.freeAll();
  }
}

function asResults({ rowMax, rowSum, ...outputs }: Tensors): AttentionResults<Native> {
  return { ...outputs, ...(rowMax && { statistics: { rowMax, rowSum } }) } as AttentionResults<Native>;
}

/** What is summed over the tiles of a batch element's key/value heads, and whose they are. */
interface Column {
  readonly work: Work;
  readonly keySums: KeySums;
}

async function gradient(
  kernel: Kernel,
  given: AttentionInputs<Native>,
  givenForward: GradientInputs<Native>,
  options: RunOptions,
): Promise<AttentionGradients<Native>> {
  const { engine, problem, grid } = kernel;
  const held = new Held();
  try {
    const inputs = headMajor(engine, held, problem, given, ['query', 'key', 'value']);
    const forwardRun = headMajor(engine, held, problem, givenForward, ['dOutput']);
    const parts: Tensors[] = [];
    const columns: Column[] = [];
    const suspects = suspectsOf(problem, given, givenForward.dOutput);
    for await (const work of works(kernel, inputs, suspects, options)) {
      const { dKey, dValue, ...part } = held.add(engine.compute(() => gradientTile(work, forwardRun)));
      parts.push(part as Tensors);
      if (work.tile.rows === grid.rows[0]) columns.push({ work, keySums: new KeySums(engine, held) });
      if (dKey && dValue) columns.at(-1)!.keySums.add({ keys: work.tile.keys, sums: { dKey, dValue } });
    }
    const results = engine.compute(() => ({
      ...joinedParts(kernel, parts, given.bias?.shape),
      dKey: keyGradient(kernel, columns, 'dKey', problem.headDim),
      dValue: keyGradient(kernel, columns, 'dValue', problem.valueDim),
    }));
    held.release(results);
    return results as unknown as AttentionGradients<Native>;
  } finally {
    held.freeAll();
  }
}

function joinedParts(
  { engine, problem, grid }: Kernel,
  parts: readonly Tensors[],
  biasShape: readonly number[] | undefined,
): Tensors {
  const biasAxis = (axis: number): number | null => (problem.bias?.shape[axis] === 1 ? null : axis);
  const joins: Readonly<Record<string, Joins>> = {
    dQuery: [0, 1, 2],
    dBias: [biasAxis(0), biasAxis(1), biasAxis(2)],
    dSinks: [null, 0, null],
  };
  return mapNames(parts[0]!, (name) => {
    const whole = joined(
      engine.tf,
      parts.map((part) => part[name]!),
      grid,
      joins[name]!,
    );
    // + 0: an excluded entry is 0 times something, which may be −0, and which of the two must not depend on the something.
    if (name === 'dBias') return engine.tf.reshape(engine.tf.add(whole, 0), [...biasShape!]);
    return name === 'dQuery' ? turned(engine, problem, whole) : whole;
  });
}

function keyGradient(
  { engine, problem, grid }: Kernel,
  columns: readonly Column[],
  name: string,
  depth: number,
): TfTensor {
  const totals = columns.map(({ work: { tile }, keySums }) =>
    keySums.total(name, [lengthOf(tile.batches), lengthOf(tile.kvHeads), problem.keyLength, depth]),
  );
  const whole = joined(engine.tf, totals, { kvHeads: grid.kvHeads, rows: [{ start: 0, end: 0 }] }, [
    0,
    1,
    null,
  ]);
  return turned(engine, problem, whole);
}

function mapNames(tensors: Tensors, make: (name: string) => TfTensor): Tensors {
  return Object.fromEntries(Object.keys(tensors).map((name) => [name, make(name)]));
}
