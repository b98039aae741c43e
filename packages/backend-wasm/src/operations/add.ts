import type { WasmTensor } from '../memory/wasm-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { type Elementwise, eachElement } from './elementwise.ts';

const SUM: Elementwise = {
  name: 'add',
  worthHelp: 2 ** 18,
  write: ({ vector }) => ({ apply: (x, other) => x.set(vector.add(x, other)) }),
};

/** Adds a tensor to a result, in place. */
export async function addTensor(
  engine: Engine,
  result: WasmTensor,
  other: WasmTensor,
  signal: AbortSignal | undefined,
): Promise<void> {
  await eachElement(engine, SUM, { input: result, residual: other, output: result }, signal);
}
