import type { RotaryProblem, RotaryTables } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { RotaryKernelDefinition } from '@heed/core/operations';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { Run } from '../platform/run.ts';
import { type Shader, THREADS, read, shaderOf, written } from '../shader/module.ts';
import { BITS } from './bits.ts';

/** Heads rotated by their positions: SPEC.md, clause `rotary`. Grid: elements. */
function rotaryShader(
  { headDim, rotaryDim, interleaved }: Required<RotaryProblem>,
  direction: 'forward' | 'back',
): Shader {
  const angles = rotaryDim / 2;
  const sign = direction === 'forward' ? '' : '-';
  const place = interleaved
    ? `let n = d / 2u;
  let isFirst = d % 2u == 0u;
  let other = select(at - 1u, at + 1u, isFirst);`
    : `let n = d % ${angles}u;
  let isFirst = d < ${angles}u;
  let other = select(at - ${angles}u, at + ${angles}u, isFirst);`;
  return shaderOf({
    label: `rotary embedding, ${direction}`,
    bindings: [read('input'), read('cosines'), read('sines'), written('output')],
    declarations: [BITS],
    main: `
  let at = (group.x + params.firstX) * ${THREADS}u + thread;
  if (at >= params.rows) { return; }
  let d = at % ${headDim}u;
  let own = input[at];
  if (d >= ${rotaryDim}u) {
    output[at] = own;
    return;
  }
  let position = at / ${headDim}u / params.heads;
  ${place}
  let row = select(position % params.queryLength, position, params.batch > 1u) * ${angles}u + n;
  let past = input[other];
  let c = cosines[row];
  let s = sines[row];
  let sine = ${sign}numberOf(s);
  let turned = select(sine, -sine, isFirst) * numberOf(past);
  let isSpoiled = isNonFinite(own) || isNonFinite(past) || isNonFinite(c) || isNonFinite(s);
  output[at] = select(bitcast<u32>(fma(numberOf(own), numberOf(c), turned)), NAN, isSpoiled);`,
  });
}

export async function compileRotary(
  engine: Engine,
  problem: Required<RotaryProblem>,
): Promise<RotaryKernelDefinition<GpuTensor>> {
  engine.check();
  const { pipelines } = engine;
  const [forward, back] = await Promise.all([
    pipelines.get(rotaryShader(problem, 'forward')),
    problem.gradient ? pipelines.get(rotaryShader(problem, 'back')) : null,
  ]);
  const rotated = (
    run: Run,
    pipeline: typeof forward,
    input: GpuTensor,
    { cosines, sines }: RotaryTables<GpuTensor>,
  ): GpuTensor => {
    const output = run.result('float32', input.shape);
    const [, queryLength, heads] = input.shape as [number, number, number];
    const rows = sizeOf(input.shape);
    run.dispatch({
      pipeline,
      tensors: { input, cosines, sines, output },
      // More than one table: each element of the batch has its own.
      params: { rows, heads, queryLength, batch: cosines.shape.length === 3 ? 2 : 1 },
      grid: [Math.ceil(rows / THREADS), 1, 1],
      work: 2 * THREADS,
    });
    return output;
  };
  return {
    run: ({ input, ...tables }, { signal }) =>
      Run.execute(engine, signal, (run) => rotated(run, forward, input, tables)),
    ...(back && {
      gradient: (tables, { dOutput }, { signal }) =>
        Run.execute(engine, signal, (run) => ({ dInput: rotated(run, back, dOutput, tables) })),
    }),
  };
}
