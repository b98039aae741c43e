import type { AttentionGradients, AttentionInputs, AttentionProblem, GradientInputs } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';
import type { Engine } from '../platform/engine.ts';
import { type DeviceTensor, downloadTensor, newArray } from '../memory/device-tensor.ts';
import { floatInputs, onDevice } from '../memory/float-inputs.ts';
import { type GradientRun, computeGradientTile } from './tile.ts';
import { operandsOf } from '../forward/operands.ts';
import { type NonFiniteGradients, markNonFiniteGradients } from './non-finite.ts';
import { tilesOf } from '../plan/tiles.ts';
import { withWorkspace } from '../memory/workspace.ts';

/**
 * Gradients of soft attention, tile by tile, with the weights recomputed from the row statistics
 * (FlashAttention, Dao et al. 2022, appendix B.2).
 */
export async function gradient(
  engine: Engine,
  problem: AttentionProblem,
  inputs: AttentionInputs<DeviceTensor>,
  forward: GradientInputs<DeviceTensor>,
  signal?: AbortSignal,
): Promise<AttentionGradients<DeviceTensor>> {
  const numbers = async (tensor: DeviceTensor): Promise<Float32Array> =>
    (await downloadTensor(engine, tensor)).data as Float32Array;

  return withWorkspace(engine, async (workspace) => {
    const floats = await floatInputs(engine, inputs, workspace);
    const output = await onDevice(engine, forward.output, workspace);
    const dOutput = await onDevice(engine, forward.dOutput, workspace);
    const visible = visibleKeys(problem, inputs as AttentionInputs);
    const run: GradientRun = {
      engine,
      problem,
      operands: await operandsOf(problem, inputs, floats, visible, workspace),
      output: output.array,
      dOutput: dOutput.array,
      rowMax: await numbers(forward.statistics.rowMax),
      rowSum: await numbers(forward.statistics.rowSum),
      sinks: floats.sinks ? await numbers(floats.sinks) : null,
      dSinks: new Float64Array(problem.heads),
      gradients: { dQuery: null, dKey: null, dValue: null, dBias: null },
    };
    try {
      let isFirst = true;
      for (const tile of tilesOf(problem, visible, 'parts', engine)) {
        if (!isFirst) await engine.settle();
        signal?.throwIfAborted();
        await computeGradientTile(run, tile);
        isFirst = false;
      }
      return await gradientsOf(
        run,
        inputs,
        await markNonFiniteGradients(run, inputs, floats, { output, dOutput }),
      );
    } catch (error) {
      for (const array of Object.values(run.gradients)) if (array !== null) engine.free(array);
      throw error;
    }
  });
}

/** Each gradient has the shape of its input. */
async function gradientsOf(
  { engine, problem, gradients, dSinks }: GradientRun,
  { query, key, value, bias }: AttentionInputs<DeviceTensor>,
  nonFinite: NonFiniteGradients | null,
): Promise<AttentionGradients<DeviceTensor>> {
  const heads = { dtype: 'float32', shape: [problem.heads], data: Float32Array.from(dSinks) } as const;
  return {
    dQuery: await newArray(engine, gradients.dQuery, query.shape, nonFinite?.dQuery),
    dKey: await newArray(engine, gradients.dKey, key.shape, nonFinite?.dKey),
    dValue: await newArray(engine, gradients.dValue, value.shape, nonFinite?.dValue),
    ...(bias && { dBias: await newArray(engine, gradients.dBias, bias.shape, nonFinite?.dBias) }),
    ...(problem.sinks && { dSinks: heads }),
  };
}
