import type { LinearDefinition } from '@heed/core/backend';
import { sizeOf } from '@heed/core/backend';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { Run } from '../platform/run.ts';
import { THREADS, read, shaderOf, written } from '../shader/module.ts';
import { BITS } from './bits.ts';

const ADD = shaderOf({
  label: 'sum of tensors',
  bindings: [written('result'), read('other')],
  declarations: [BITS],
  main: `
  let at = (group.x + params.firstX) * ${THREADS}u + thread;
  if (at < params.rows) { result[at] = sumOf(result[at], other[at]); }`,
});

/** Adds a tensor to another, in place. */
export function addOnDevice(
  engine: Engine,
): Extract<LinearDefinition<GpuTensor>['add'], (...given: never) => unknown> {
  return async (result, other, { signal }) => {
    const pipeline = await engine.pipelines.get(ADD);
    await Run.execute(engine, signal, (run) => {
      const rows = sizeOf(result.shape);
      const grid = [Math.ceil(rows / THREADS), 1, 1] as const;
      run.dispatch({ pipeline, tensors: { result, other }, params: { rows }, grid, work: THREADS });
    });
  };
}
