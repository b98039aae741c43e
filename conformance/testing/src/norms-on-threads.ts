import { type AttentionBackend, type ComputeDType, type NormProblem, type Tensor, tensor } from '@heed/core';
import { normGradientHere, normHere } from '@heed/core/operations';
import { expect, test } from 'vitest';

/** Enough for several threads, in blocks of which the last one is not whole. */
const [ROWS, WIDTH] = [701, 387];

function numbers(dtype: ComputeDType, shape: readonly number[], size = 1): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  let state = length;
  const next = (): number => size * ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1);
  const data =
    dtype === 'float32' ? Float32Array.from({ length }, next) : Float64Array.from({ length }, next);
  return tensor(data, shape) as Tensor;
}

function settingOf(dtype: ComputeDType, kind: NormProblem['kind']) {
  const problem = { kind, width: WIDTH, dtype, bias: true, gradient: true, epsilon: 1e-5 } as const;
  const inputs = {
    input: numbers(dtype, [ROWS, WIDTH]),
    weight: numbers(dtype, [WIDTH]),
    bias: numbers(dtype, [WIDTH], 0.5),
  };
  const forward = { dOutput: numbers(dtype, [ROWS, WIDTH], 2), dResidual: numbers(dtype, [ROWS, WIDTH], 3) };
  return { problem, inputs, forward };
}

async function everything(backend: AttentionBackend, setting: ReturnType<typeof settingOf>) {
  const kernel = await backend.norm!.compile(setting.problem);
  const { output } = await kernel.run(setting.inputs);
  const gradients = await kernel.gradient(setting.inputs, setting.forward);
  await kernel.dispose();
  return { output, ...gradients } as Record<string, Tensor>;
}

/**
 * Defines tests of a backend's norms beyond the suite: equal bits with one thread and two, which are those of the host routine but
 * for rounding; squares of large numbers; a tiny epsilon.
 *
 * @param create makes a backend of so many threads.
 */
export function normsOnThreads(create: (threads: number) => Promise<AttentionBackend>): void {
  test.each([
    ['float32', 'layer'],
    ['float32', 'rms'],
    ['float64', 'layer'],
  ] as const)('%s, %s: one thread and two give the same bits, which are right', async (dtype, kind) => {
    const setting = settingOf(dtype, kind);
    const results: Record<string, Tensor>[] = [];
    for (const threads of [1, 2]) {
      const backend = await create(threads);
      results.push(await everything(backend, setting));
      await backend.dispose();
    }
    expect(Object.keys(results[1]!)).toEqual(Object.keys(results[0]!));
    for (const [name, { data }] of Object.entries(results[0]!))
      expect(
        Buffer.compare(Buffer.from(results[1]![name]!.data.buffer), Buffer.from(data.buffer)),
        name,
      ).toBe(0);
    const { problem, inputs, forward } = setting;
    const expected: Record<string, Tensor> = {
      output: normHere(problem, inputs),
      ...normGradientHere(problem, inputs, forward),
    };
    expect(Object.keys(results[0]!).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { data, shape }] of Object.entries(expected)) {
      const actual = results[0]![name]!;
      expect(actual.shape).toEqual(shape);
      const right = Float64Array.from(data as ArrayLike<number>);
      const largest = right.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
      const bound = largest * (dtype === 'float32' ? 1e-6 : 1e-14);
      const given = Float64Array.from(actual.data as ArrayLike<number>);
      expect(
        given.findIndex((x, n) => !(Math.abs(x - right[n]!) <= bound)),
        name,
      ).toBe(-1);
    }
  });

  test('squares of large numbers do not overflow, and a tiny epsilon makes no infinity of zeros', async () => {
    const backend = await create(1);
    const weight = tensor(new Float32Array(20).fill(1), [20]);
    for (const kind of ['layer', 'rms'] as const) {
      const kernel = await backend.norm!.compile({ kind, width: 20, epsilon: 1e-300 });
      const small = numbers('float32', [3, 20]) as Tensor<'float32'>;
      const large = tensor(
        small.data.map((x) => x * 2 ** 80),
        [3, 20],
      );
      const { output: expected } = await kernel.run({ input: small, weight });
      const { output } = await kernel.run({ input: large, weight });
      expect(output).toEqual(expected);
      const zeros = await kernel.run({ input: tensor(new Float32Array(40), [2, 20]), weight });
      expect(zeros.output.data.every((x) => x === 0)).toBe(true);
      await kernel.dispose();
    }
    await backend.dispose();
  });
}
