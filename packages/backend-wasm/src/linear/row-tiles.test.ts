import { type ComputeDType, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import wasm from '../index.ts';

/** More than two register tiles of either height, so that tiles of every height come last. */
const ROWS = 20;
/** Sixteen panels and more of every form: whole groups of panels side by side, single ones, and parts of one. */
const WIDTHS = [1, 8, 20, 31, 150];

function numbers(dtype: ComputeDType, length: number): Float32Array | Float64Array {
  let state = length;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  return dtype === 'float32' ? Float32Array.from({ length }, next) : Float64Array.from({ length }, next);
}

describe.each([true, false])('relaxed SIMD where there is: %s', (relaxed) => {
  describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
    test.each(WIDTHS)(
      `tiles of every height, %i outputs: each row has the bits it has alone`,
      async (outputs) => {
        const backend = await wasm.create({ threads: 1, relaxedSimd: relaxed ? 'auto' : false });
        const inputDim = 37;
        const kernel = await backend.linear!.compile({
          inputDim,
          outputDim: outputs,
          dtype,
          bias: true,
          activation: 'silu',
        });
        const weight = tensor(numbers(dtype, outputs * inputDim), [outputs, inputDim]);
        const bias = tensor(numbers(dtype, outputs), [outputs]);
        const weights = await kernel.pack({ weight, bias });
        const all = numbers(dtype, ROWS * inputDim);
        const run = async (first: number, end: number): Promise<string[]> => {
          const input = tensor(all.slice(first * inputDim, end * inputDim), [end - first, inputDim]);
          const { data } = (await kernel.run({ input, weights })).output;
          return Array.from({ length: end - first }, (_, row) =>
            [...data.subarray(row * outputs, (row + 1) * outputs)].join(),
          );
        };
        const alone: string[] = [];
        for (let row = 0; row < ROWS; row++) alone.push(...(await run(row, row + 1)));
        for (let rows = 2; rows <= ROWS; rows++)
          expect(await run(0, rows), `${rows} rows`).toEqual(alone.slice(0, rows));
        weights.dispose();
        await backend.dispose();
      },
    );

    test('gradients of 1 to 20 outputs are those of the reference', async () => {
      const [mine, exact] = [
        await wasm.create({ threads: 1, relaxedSimd: relaxed ? 'auto' : false }),
        await reference.create(),
      ];
      const [rows, inputDim] = [7, 19];
      const input = tensor(numbers(dtype, rows * inputDim), [rows, inputDim]);
      for (let outputDim = 1; outputDim <= ROWS; outputDim++) {
        const weight = tensor(numbers(dtype, outputDim * inputDim), [outputDim, inputDim]);
        const bias = tensor(numbers(dtype, outputDim), [outputDim]);
        const dOutput = tensor(numbers(dtype, rows * outputDim), [rows, outputDim]);
        const gradientOn = async (
          backend: typeof mine,
        ): Promise<Record<string, { data: ArrayLike<number> }>> => {
          const kernel = await backend.linear!.compile({
            inputDim,
            outputDim,
            dtype,
            bias: true,
            gradient: true,
          });
          const weights = await kernel.pack({ weight, bias });
          return (await kernel.gradient({ input, weights }, { dOutput })) as never;
        };
        const [given, expected] = [await gradientOn(mine), await gradientOn(exact)];
        for (const [name, { data }] of Object.entries(expected)) {
          for (let n = 0; n < data.length; n++) {
            const error = Math.abs(given[name]!.data[n]! - data[n]!);
            expect(error, `${name} of ${outputDim} outputs`).toBeLessThan(dtype === 'float32' ? 2e-6 : 1e-14);
          }
        }
      }
      await mine.dispose();
      await exact.dispose();
    });
  });
});
