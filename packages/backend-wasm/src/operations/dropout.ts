import type { ElementDropoutProblem, RunOptions } from '@heed/core';
import type { ElementDropoutKernelDefinition } from '@heed/core/operations';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { ITEM_ELEMENTS, writeDropout } from './dropout-module.ts';
import { leaseOperation, phaseOf, runOperation } from './frame.ts';

/** Elements below which a run is over before another thread is awake. */
const WORTH_HELP = 2 ** 16;

interface Seed {
  readonly seed: number;
  readonly stream?: number | undefined;
}

/** Dropout of elements: SPEC.md, clause `elementDropout`. Its gradient is the same function of the gradient of the output. */
export async function compileDropout(
  engine: Engine,
  { probability, dtype }: Required<ElementDropoutProblem>,
): Promise<ElementDropoutKernelDefinition<WasmTensor>> {
  const lease = await leaseOperation(engine, 'dropout', { dtype, probability }, writeDropout);

  const drop = async (
    input: WasmTensor,
    residual: WasmTensor | undefined,
    { seed, stream = 0 }: Seed,
    { signal }: RunOptions,
  ): Promise<WasmTensor> => {
    const { shape, length: elements } = input;
    const phases = [phaseOf('drop', Math.ceil(elements / ITEM_ELEMENTS))];
    const operation = { lease, phases, amount: elements / WORTH_HELP, scratchBytes: 16 };
    const [seedLow, seedHigh] = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
    const fields = { input, residual, elements, seedLow, seedHigh, stream };
    const forms = { output: { dtype, shape } };
    return (await runOperation(engine, operation, forms, fields, signal)).output;
  };

  return {
    run: ({ input, residual, ...seed }, options) => drop(input, residual, seed, options),
    gradient: async (seed, { dOutput }, options) => ({
      dInput: await drop(dOutput, undefined, seed, options),
    }),
    dispose: () => lease.release(),
  };
}
