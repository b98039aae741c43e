import type { Activation } from '@heed/core';
import { v128 } from '@heed/core/wasm';
import type { WasmTensor } from '../memory/wasm-tensor.ts';
import { type Elementwise, eachElement } from '../operations/elementwise.ts';
import type { Engine } from '../platform/engine.ts';
import { vectorActivation } from './activation.ts';

/** The activation f(z) of sums z; with `dOutput` the gradient dOutput · f′(z), 0 where dOutput is. A new tensor. */
export function applyCurve(
  engine: Engine,
  activation: Activation,
  z: WasmTensor,
  dOutput: WasmTensor | undefined,
  signal: AbortSignal | undefined,
): Promise<WasmTensor> {
  const isSlope = dOutput !== undefined;
  const curve: Elementwise = {
    name: `${activation} ${isSlope}`,
    worthHelp: 2 ** 16,
    write(element, body) {
      const { vector, scalar } = element;
      const zero = body.local('v128');
      const { prepare, apply } = vectorActivation(element, body, activation, isSlope);
      return {
        prepare: [prepare, zero.set(vector.splat(scalar.const(0)))],
        apply: (x, d) => [
          apply(x),
          // Rows that had no influence may hold NaN.
          isSlope ? x.set(v128.andnot(vector.mul(d, x), vector.eq(d, zero))) : [],
        ],
      };
    },
  };
  return eachElement(engine, curve, { input: z, residual: dOutput }, signal);
}
