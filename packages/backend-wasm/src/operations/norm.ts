import type { NormProblem } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { NormKernelDefinition } from '@heed/core/operations';
import { filledBy, withBlocks } from '../memory/blocks.ts';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import type { TaskFunction } from '../platform/threads/job.ts';
import {
  FRAME,
  FRAME_BYTES,
  type NormVariant,
  SUM_VECTORS,
  blockRows,
  generateNorm,
  paddedBytes,
} from './norm-module.ts';

/** Numbers below which a run is over before its way through the queue would be: a decoding step has dozens of them. */
const DIRECT = 2 ** 14;
/** Numbers below which a run is over before another thread is awake. */
const WORTH_HELP = 2 ** 17;

type Frame = Partial<Record<keyof typeof FRAME, number>>;

/** Norms of rows: SPEC.md, clause `norm`. */
export async function compileNorm(
  engine: Engine,
  { kind, width, dtype, epsilon, bias: hasBias }: Required<NormProblem>,
): Promise<NormKernelDefinition<WasmTensor>> {
  const { heap, team, modules, queue, planOptions } = engine;
  const { shared, relaxedSimd: relaxed } = planOptions;
  const variant: NormVariant = { kind, width, dtype, epsilon, bias: hasBias, shared, relaxed };
  const key = `norm ${JSON.stringify(variant)}`;
  const lease = await modules.lease({ key, generate: () => generateNorm(variant) });
  const padded = paddedBytes(variant);

  const instance = lease.module.instance.exports as unknown as Record<string, TaskFunction>;
  // Of work on this thread, which ends before the call returns.
  const ownFrame = heap.allocate(FRAME_BYTES);

  /** Runs the phases: one over blocks of rows, and for gradients one over their sums. */
  const compute = (rows: number, values: Frame, isGradient: boolean, signal?: AbortSignal): Promise<void> => {
    const blocks = Math.ceil(rows / blockRows(width));
    const fill = (frame: number, sums: number): void => {
      const view = heap.view();
      for (const [field, value] of Object.entries({ ...values, rows, blocks, sums })) {
        view.setUint32(frame + FRAME[field as keyof typeof FRAME], value, true);
      }
    };
    const phases = isGradient
      ? [
          { export: 'normGradient', firstTask: 0, tasks: blocks },
          { export: 'sumBlocks', firstTask: 0, tasks: Math.ceil(padded / (16 * SUM_VECTORS)) },
        ]
      : [{ export: 'norm', firstTask: 0, tasks: blocks }];
    return withBlocks(heap, async ({ allocate }) => {
      signal?.throwIfAborted();
      const sums = isGradient ? allocate(blocks * 2 * padded) : 0;
      if (rows * width < DIRECT) {
        fill(ownFrame, sums);
        for (const { export: name, tasks } of phases)
          for (let task = 0; task < tasks; task++) instance[name]!(task, ownFrame, 0);
        return;
      }
      const frame = allocate(FRAME_BYTES);
      const helpers = rows * width < WORTH_HELP ? 0 : team.helpersFor(blocks);
      fill(frame, sums);
      const job = { module: lease.module, phases, frame, scratch: 0, scratchStride: 0 };
      await queue.run(() => team.run(job, helpers, signal), signal);
    });
  };

  return {
    async run({ input, weight, bias }, { signal }) {
      const { shape } = input;
      const rows = sizeOf(shape.slice(0, -1));
      const made = await filledBy(heap, { output: { dtype, shape } }, ({ output }) => {
        const addresses = {
          input: input.address,
          weight: weight.address,
          bias: bias?.address ?? 0,
          output: output.address,
        };
        return compute(rows, addresses, false, signal);
      });
      return made.output;
    },
    async gradient({ input, weight }, { dOutput, dResidual }, { signal }) {
      const { shape } = input;
      const rows = sizeOf(shape.slice(0, -1));
      const sum = { dtype, shape: [width] };
      const forms = { dInput: { dtype, shape }, dWeight: sum, ...(hasBias && { dBias: sum }) };
      return filledBy(heap, forms as Required<typeof forms>, ({ dInput, dWeight, dBias }) => {
        const addresses = {
          input: input.address,
          weight: weight.address,
          output: dInput.address,
          dOutput: dOutput.address,
          dResidual: dResidual?.address ?? 0,
          dWeight: dWeight.address,
          dBias: hasBias ? dBias.address : 0,
        };
        return compute(rows, addresses, true, signal);
      });
    },
    dispose() {
      heap.free(ownFrame);
      lease.release();
    },
  };
}
