import type { NormProblem } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { NormKernelDefinition } from '@heed/core/operations';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { leaseOperation, phaseOf, runOperation } from './frame.ts';
import { type NormVariant, SUM_VECTORS, blockRows, paddedBytes, writeNorm } from './norm-module.ts';

/** Numbers below which a run is over before another thread is awake. */
const WORTH_HELP = 2 ** 17;

/** Norms of rows: SPEC.md, clause `norm`. */
export async function compileNorm(
  engine: Engine,
  { kind, width, dtype, epsilon, bias: hasBias }: Required<NormProblem>,
): Promise<NormKernelDefinition<WasmTensor>> {
  const variant: NormVariant = { kind, width, dtype, epsilon, bias: hasBias };
  const lease = await leaseOperation(engine, 'norm', variant, writeNorm);
  const padded = paddedBytes(variant);

  return {
    async run({ input, weight, bias }, { signal }) {
      const { shape } = input;
      const rows = sizeOf(shape.slice(0, -1));
      const phases = [phaseOf('norm', Math.ceil(rows / blockRows(width)))];
      const operation = { lease, phases, amount: input.length / WORTH_HELP };
      const fields = { input, weight, bias, rows };
      const forms = { output: { dtype, shape } };
      return (await runOperation(engine, operation, forms, fields, signal)).output;
    },
    gradient({ input, weight }, { dOutput, dResidual: residual }, { signal }) {
      const { shape } = input;
      const rows = sizeOf(shape.slice(0, -1));
      const blocks = Math.ceil(rows / blockRows(width));
      // One phase over blocks of rows, and one over their sums.
      const phases = [
        phaseOf('normGradient', blocks),
        phaseOf('sumBlocks', Math.ceil(padded / (16 * SUM_VECTORS))),
      ];
      const amount = input.length / WORTH_HELP;
      const operation = { lease, phases, amount, sharedBytes: blocks * 2 * padded };
      const sum = { dtype, shape: [width] };
      const forms = { dInput: { dtype, shape }, dWeight: sum, ...(hasBias && { dBias: sum }) };
      const fields = { input, weight, dOutput, residual, rows, blocks };
      return runOperation(engine, operation, forms as Required<typeof forms>, fields, signal);
    },
    dispose: () => lease.release(),
  };
}
