import { type AttentionBackend, type Tensor, tensor } from '@heed/core';
import { embedGradientHere, embedHere, rotateHere, rotaryTable } from '@heed/core/operations';
import { zeros } from '@heed/core/backend';
import { describe, expect, test } from 'vitest';
import native from '../index.ts';

const { available } = await native.probe();

type Type = 'float32' | 'float64';

function numbers(dtype: Type, shape: readonly number[], seed: number): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = Array.from({ length }, (_, n) => Math.sin(seed + n));
  return tensor(dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data), shape) as Tensor;
}

/** Results on one thread and on two, which have the same bits; those of one. */
async function onThreads(run: (backend: AttentionBackend) => Promise<readonly Tensor[]>): Promise<Tensor[]> {
  const all: (readonly Tensor[])[] = [];
  for (const threads of [1, 2]) {
    const backend = await native.create({ threads });
    all.push(await run(backend));
    await backend.dispose();
  }
  for (const [n, { data }] of all[0]!.entries()) expect(all[1]![n]!.data).toEqual(data);
  return [...all[0]!];
}

function expectClose(actual: Tensor, expected: Tensor, dtype: Type, factor = 1): void {
  expect(actual.shape).toEqual(expected.shape);
  const bound = factor * (dtype === 'float32' ? 2 ** -19 : 2 ** -48);
  const [a, b] = [actual.data, expected.data] as [Float64Array, Float64Array];
  expect(a.findIndex((x, n) => !(Math.abs(x - b[n]!) <= bound))).toBe(-1);
}

// Large enough for the pool, and for tasks that end in the middle of a batch element.
describe.runIf(available).each(['float32', 'float64'] as const)('%s', (dtype) => {
  test.each([
    [false, false],
    [true, true],
  ])('rotary: interleaved %s, tables of each batch element %s', async (interleaved, perBatch) => {
    const problem = { headDim: 70, rotaryDim: 54, interleaved, dtype, gradient: true };
    const [batch, length, heads] = [3, 211, 9];
    const input = numbers(dtype, [batch, length, heads, 70], 5);
    const positions = tensor(
      Int32Array.from({ length: (perBatch ? batch : 1) * length }, (_, n) => (n * 7) % 500),
      perBatch ? [batch, length] : [length],
    );
    const frequencies = Array.from({ length: 27 }, (_, n) => 0.8 ** n);
    const tables = rotaryTable({ positions, frequencies, dtype });
    const [output, dInput] = await onThreads(async (backend) => {
      const kernel = await backend.rotary!.compile(problem);
      const { output: y } = await kernel.run({ input, ...tables });
      return [y, (await kernel.gradient(tables, { dOutput: input })).dInput];
    });
    expectClose(output!, rotateHere(problem, { input, ...tables }), dtype);
    expectClose(dInput!, rotateHere(problem, { input, ...tables }, -1), dtype);
  });

  test('rows of a weight, with padding and with many places of a row', async () => {
    const [count, width] = [157, 301];
    const problem = { count, width, dtype, gradient: true };
    const indices = tensor(
      Int32Array.from({ length: 4000 }, (_, n) => (n % 11 === 0 ? -1 : (n * n) % count)),
      [40, 100],
    );
    const weight = numbers(dtype, [count, width], 1);
    const dOutput = numbers(dtype, [40, 100, width], 2);
    const [output, dWeight] = await onThreads(async (backend) => {
      const kernel = await backend.embedding!.compile(problem);
      const { output: y } = await kernel.run({ indices, weight });
      return [y, (await kernel.gradient({ indices }, { dOutput })).dWeight];
    });
    expect(output!.data).toEqual(embedHere({ indices, weight }).data);
    const expected = embedGradientHere({ indices }, { dOutput }, zeros(dtype, [count, width]));
    // Sums of some 50 numbers.
    expectClose(dWeight!, expected, dtype, 32);
  });
});
