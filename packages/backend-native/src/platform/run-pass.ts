import type { Origin, Tensor } from '@heed/core';
import type { EngineRunOptions } from '@heed/core/backend';
import { type Binding, type CompiledKernel, OPERANDS } from './binding.ts';
import type { Runs } from './runs.ts';

/** Inputs of a pass, by name; the seed is a number, and the origin four. */
export type Inputs = Readonly<Record<string, Tensor | Origin | number | undefined>>;

const NO_ORIGIN: Origin = { batch: 0, head: 0, query: 0, key: 0 };

/**
 * Runs a pass of a kernel, as {@link Runs.run}.
 *
 * @param results filled.
 */
export function runPass(
  binding: Binding,
  runs: Runs,
  kernel: CompiledKernel,
  isGradient: boolean,
  inputs: Inputs,
  results: Readonly<Record<string, Tensor>>,
  options: EngineRunOptions,
): Promise<void> {
  const given = OPERANDS.map((name) => (name in results ? undefined : (inputs[name] as Tensor | undefined)));
  const noise = noiseOf(inputs);
  return runs.run(
    options,
    given,
    OPERANDS.map((name) => results[name]),
    (read, filled, control) => {
      const operands = read.map((operand, n) => operand ?? filled[n]);
      return binding.run(kernel, isGradient, operands, noise, control);
    },
  );
}

function noiseOf(inputs: Inputs): Uint32Array {
  const seed = (inputs['seed'] as number | undefined) ?? 0;
  const { batch, head, query, key } = (inputs['origin'] as Origin | undefined) ?? NO_ORIGIN;
  return Uint32Array.of(seed % 2 ** 32, Math.floor(seed / 2 ** 32), batch, head, query, key);
}
