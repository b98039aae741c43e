import type { NormProblem } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { NormKernelDefinition } from '@heed/core/operations';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { Run } from '../platform/run.ts';
import { THREADS } from '../shader/module.ts';
import {
  CHUNK,
  STATISTICS,
  normGradientShader,
  normShader,
  parameterPartsShader,
  parameterShader,
} from './norm-shaders.ts';

/** Norms of rows: SPEC.md, clause `norm`. */
export async function compileNorm(
  engine: Engine,
  problem: Required<NormProblem>,
): Promise<NormKernelDefinition<GpuTensor>> {
  engine.check();
  const { width, gradient, bias } = problem;
  const { pipelines } = engine;
  const ofGradient = [
    normGradientShader(problem, false),
    normGradientShader(problem, true),
    parameterPartsShader(problem),
    parameterShader(problem),
  ];
  const [forward, ...compiled] = await Promise.all(
    [normShader(problem), ...(gradient ? ofGradient : [])].map((shader) => pipelines.get(shader)),
  );
  const [alone, withResidual, parts, parameters] = compiled;
  const columns = Math.ceil(width / THREADS);
  return {
    run: (inputs, { signal }) =>
      Run.execute(engine, signal, (run) => {
        const output = run.result('float32', inputs.input.shape);
        const rows = sizeOf(inputs.input.shape.slice(0, -1));
        const tensors = { ...inputs, output };
        run.dispatch({ pipeline: forward!, tensors, params: {}, grid: [rows, 1, 1], work: 4 * width });
        return output;
      }),
    ...(gradient && {
      gradient: ({ input, weight }, { dOutput, dResidual }, { signal }) =>
        Run.execute(engine, signal, (run) => {
          const rows = sizeOf(input.shape.slice(0, -1));
          const chunks = Math.ceil(rows / CHUNK);
          const statistics = run.scratch(STATISTICS * rows);
          const sums = run.scratch(2 * width * chunks);
          const dInput = run.result('float32', input.shape);
          const dWeight = run.result('float32', [width]);
          const dBias = bias ? run.result('float32', [width]) : undefined;
          const params = { rows };
          run.dispatch({
            pipeline: (dResidual ? withResidual : alone)!,
            tensors: { input, weight, dOutput, dResidual, dInput, statistics },
            params,
            grid: [rows, 1, 1],
            work: 8 * width,
          });
          run.dispatch({
            pipeline: parts!,
            tensors: { input, dOutput, statistics, sums },
            params,
            grid: [columns, chunks, 1],
            work: THREADS * CHUNK * 2,
          });
          run.dispatch({
            pipeline: parameters!,
            tensors: { sums, dWeight, dBias },
            params,
            grid: [columns, Math.min(1, chunks), 1],
            work: THREADS * chunks,
          });
          return { dInput, dWeight, ...(dBias && { dBias }) };
        }),
    }),
  };
}
