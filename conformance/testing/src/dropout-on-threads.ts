import { type AttentionBackend, type ComputeDType, type Tensor, tensor } from '@heed/core';
import { dropHere } from '@heed/core/operations';
import { expect, test } from 'vitest';

/** Enough for several threads; the last elements are fewer than kernels take together. */
const SHAPE = [391, 513];

function numbers(dtype: ComputeDType, step: number): Tensor {
  const length = SHAPE[0]! * SHAPE[1]!;
  const at = (_: unknown, n: number): number => ((n * step) % 1009) / 1009 + 0.25;
  const data = dtype === 'float32' ? Float32Array.from({ length }, at) : Float64Array.from({ length }, at);
  return tensor(data, SHAPE) as Tensor;
}

/**
 * Defines tests of a backend's dropout of elements beyond the suite: equal bits with one thread and two, in a tensor of many work
 * items, which are those of the host routine but for rounding.
 *
 * @param create makes a backend of so many threads.
 */
export function dropoutOnThreads(create: (threads: number) => Promise<AttentionBackend>): void {
  test.each(['float32', 'float64'] as const)(
    '%s: one thread and two drop the same elements',
    async (dtype) => {
      const problem = { probability: 0.3, dtype, gradient: true };
      const [input, residual] = [numbers(dtype, 17), numbers(dtype, 91)];
      const seed = { seed: 2 ** 40 + 7, stream: 3 };
      const results: Tensor[][] = [];
      for (const threads of [1, 2]) {
        const backend = await create(threads);
        const kernel = await backend.elementDropout!.compile(problem);
        const { output } = await kernel.run({ input, residual, ...seed });
        const { dInput } = await kernel.gradient(seed, { dOutput: input });
        results.push([output, dInput]);
        await backend.dispose();
      }
      const expected = [
        dropHere(problem, { input, residual, ...seed }),
        dropHere(problem, { input, ...seed }),
      ];
      const bound = dtype === 'float32' ? 2 ** -22 : 2 ** -51;
      for (const [n, { data, shape }] of results[0]!.entries()) {
        expect(shape).toEqual(SHAPE);
        expect(results[1]![n]!.data).toEqual(data);
        const right = expected[n]!.data as Float64Array;
        expect((data as Float64Array).findIndex((x, at) => !(Math.abs(x - right[at]!) <= bound * 4))).toBe(
          -1,
        );
      }
      // The gradient has zeros where elements were dropped.
      const share = (results[0]![1]!.data as Float64Array).filter((x) => x === 0).length / input.data.length;
      expect(Math.abs(share - 0.3)).toBeLessThan(0.01);
    },
  );
}
