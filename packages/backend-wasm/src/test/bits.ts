/** A program: prints what the backend calls itself, and a hash of the results of kernels whose tiles have columns. */
import { createHash } from 'node:crypto';
import { type ComputeDType, type Tensor, attention, tensor } from '@heed/core';
import wasm from '../index.ts';

let state = 1;
const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
const numbers = (dtype: ComputeDType, ...shape: number[]): Tensor<ComputeDType> => {
  const length = shape.reduce((size, part) => size * part, 1);
  return dtype === 'float32'
    ? tensor(Float32Array.from({ length }, next), shape)
    : tensor(Float64Array.from({ length }, next), shape);
};

const hash = createHash('sha256');
const add = (results: object): void => {
  for (const { data } of Object.values(results) as Tensor[]) hash.update(data as Uint8Array);
};
const backend = await wasm.create({ threads: 2 });
for (const dtype of ['float32', 'float64'] as const) {
  // Parts of a panel, whole ones, and more than a block of columns has.
  for (const outputDim of [1, 9, 16, 20, 31, 150]) {
    const [rows, inputDim] = [23, 37];
    const kernel = await backend.linear!.compile({
      ...{ inputDim, outputDim, dtype },
      ...({ bias: true, gradient: true, activation: 'gelu' } as const),
    });
    const weights = await kernel.pack({
      weight: numbers(dtype, outputDim, inputDim),
      bias: numbers(dtype, outputDim),
    });
    const input = numbers(dtype, rows, inputDim);
    add(await kernel.run({ input, weights }));
    add(await kernel.gradient({ input, weights }, { dOutput: numbers(dtype, rows, outputDim) }));
    weights.dispose();
  }
  for (const headDim of [5, 16, 24]) {
    const [query, key, value] = [17, 130, 130].map((length) => numbers(dtype, 1, 2, length, headDim));
    const request = { query: query!, key: key!, value: value!, gradient: true } as const;
    const { output, gradient } = await attention(backend, request);
    add({ output, ...(await gradient(numbers(dtype, 1, 2, 17, headDim))) });
  }
}
// oxlint-disable-next-line no-console -- it is what the program is for
console.log(JSON.stringify({ device: backend.device, bits: hash.digest('hex') }));
await backend.dispose();
