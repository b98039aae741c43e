import type { ElementDropoutProblem, ElementDropoutSeed } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { ElementDropoutKernelDefinition } from '@heed/core/operations';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { Run } from '../platform/run.ts';
import { PHILOX } from '../shader/math.ts';
import { type Shader, THREADS, each, read, shaderOf, written } from '../shader/module.ts';
import { BITS } from './bits.ts';

/** Elements that are kept, and zeros: SPEC.md, clause `elementDropout`. An invocation takes four, of one word each. Grid: elements. */
function dropoutShader(hasResidual: boolean): Shader {
  return shaderOf({
    label: 'dropout of elements',
    bindings: [read('input'), ...(hasResidual ? [read('residual')] : []), written('output')],
    declarations: [BITS, PHILOX],
    main: `
  let block = (group.x + params.firstX) * ${THREADS}u + thread;
  let words = philox(vec4u(block, 0u, params.originHead, 0u));
${each(
  4,
  (k) => `  {
    let at = 4u * block + ${k}u;
    if (at < params.rows) {
      let x = input[at];
      var y = select(bitcast<u32>(numberOf(x) * params.keepFactor), x, isNonFinite(x));
      y = select(0u, y, words[${k}] >= params.dropThreshold);
      output[at] = ${hasResidual ? 'sumOf(y, residual[at])' : 'y'};
    }
  }`,
)}`,
  });
}

export async function compileElementDropout(
  engine: Engine,
  { probability, gradient }: Required<ElementDropoutProblem>,
): Promise<ElementDropoutKernelDefinition<GpuTensor>> {
  engine.check();
  const [alone, withResidual] = await Promise.all([
    engine.pipelines.get(dropoutShader(false)),
    engine.pipelines.get(dropoutShader(true)),
  ]);
  const dropped = (
    run: Run,
    { seed, stream = 0 }: ElementDropoutSeed,
    input: GpuTensor,
    residual?: GpuTensor,
  ): GpuTensor => {
    const output = run.result('float32', input.shape);
    const rows = sizeOf(input.shape);
    run.dispatch({
      pipeline: residual ? withResidual : alone,
      tensors: { input, residual, output },
      params: {
        rows,
        originHead: stream,
        seedLow: seed >>> 0,
        seedHigh: Math.floor(seed / 2 ** 32),
        dropThreshold: Math.floor(probability * 2 ** 32),
        keepFactor: 1 / (1 - probability),
      },
      grid: [Math.ceil(rows / (4 * THREADS)), 1, 1],
      work: 64 * THREADS,
    });
    return output;
  };
  return {
    run: ({ input, residual, ...seed }, { signal }) =>
      Run.execute(engine, signal, (run) => dropped(run, seed, input, residual)),
    ...(gradient && {
      gradient: (seed, { dOutput }, { signal }) =>
        Run.execute(engine, signal, (run) => ({ dInput: dropped(run, seed, dOutput) })),
    }),
  };
}
