import { beforeEach, expect, test } from 'vitest';
import type { LinearDefinition } from '../../backend/linear/guard.ts';
import { type HostViews, plainViews } from '../../backend/operations/host-views.ts';
import type { LinearParameters, LinearProblem } from '../../linear/contract.ts';
import { referenceLinear, referenceLinearGradient } from '../../reference/linear.ts';
import { type Tensor, tensor } from '../../tensor.ts';
import { withGate } from './with-gate.ts';

/** Tensors that were made and not freed. */
const live = new Set<Tensor>();
let packed = 0;
beforeEach(() => {
  live.clear();
  packed = 0;
});

const kept = (made: Tensor): Tensor => {
  live.add(made);
  return made;
};
const views: HostViews<Tensor> = {
  ...plainViews,
  make: (dtype, shape) => kept(plainViews.make(dtype, shape)),
  free: (freed) => {
    if (!live.delete(freed)) throw new Error('freed twice, or never made');
  },
};

/** Projections in float64 whose tensors are counted; the one without an activation fails where `failing` says so. */
function counted(failing: 'pack' | 'run' | 'gradient' | null = null): LinearDefinition<Tensor> {
  const failHere = (step: string, { activation }: LinearProblem): void => {
    if (step === failing && activation === null) throw new Error(`${step} failed`);
  };
  return {
    compile: (problem) => ({
      pack(parameters) {
        failHere('pack', problem);
        packed++;
        return structuredClone(parameters);
      },
      free: () => void packed--,
      run(input, weights) {
        failHere('run', problem);
        return kept(referenceLinear(problem, weights as LinearParameters<Tensor>, input));
      },
      async gradient(input, weights, dOutput) {
        failHere('gradient', problem);
        const made = await referenceLinearGradient(
          problem,
          weights as LinearParameters<Tensor>,
          input,
          dOutput,
        );
        for (const one of Object.values<Tensor>({ ...made })) kept(one);
        return made;
      },
    }),
  };
}

const problem: Required<LinearProblem> = {
  inputDim: 3,
  outputDim: 2,
  dtype: 'float64',
  weightType: 'float64',
  bias: true,
  activation: 'silu',
  gate: true,
  gradient: true,
  argument: false,
};
const numbers = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.sin(seed + 3 * n)),
    shape,
  ) as Tensor;
const parameters = { weight: numbers([4, 3], 1), bias: numbers([4], 2) };
const [input, dOutput] = [numbers([5, 3], 3), numbers([5, 2], 4)];

test('results are those of the reference, and nothing else is left', async () => {
  const kernel = await withGate(counted(), views).compile(problem);
  const weights = await kernel.pack(parameters);
  expect([live.size, packed]).toEqual([0, 2]);
  const output = await kernel.run(input, weights, {});
  referenceLinear(problem, parameters, input).data.forEach((x, n) =>
    expect(output.data[n]).toBeCloseTo(x as number, 12),
  );
  expect([...live]).toEqual([output]);
  views.free(output);
  const gradients = await kernel.gradient!(input, weights, dOutput, {});
  const expected = await referenceLinearGradient(problem, parameters, input, dOutput);
  for (const name of ['dInput', 'dWeight', 'dBias'] as const) {
    expect(gradients[name]!.shape).toEqual(expected[name]!.shape);
    expected[name]!.data.forEach((x, n) => expect(gradients[name]!.data[n]).toBeCloseTo(x as number, 12));
  }
  expect(live).toEqual(new Set(Object.values(gradients)));
  kernel.free!(weights);
  expect(packed).toBe(0);
});

test.each(['pack', 'run', 'gradient'] as const)('a %s that fails leaves nothing', async (step) => {
  const kernel = await withGate(counted(step), views).compile(problem);
  const work = async (): Promise<void> => {
    const weights = await kernel.pack(parameters);
    await kernel.gradient!(input, weights, dOutput, {});
  };
  await expect(work()).rejects.toThrow(`${step} failed`);
  expect(live.size).toBe(0);
  expect(packed).toBe(step === 'pack' ? 0 : 2);
});

test('problems without a gate are those of the definition', async () => {
  const { compile, gates } = withGate(counted(), views);
  expect(gates).toBe(true);
  const kernel = await compile({ ...problem, gate: false, outputDim: 4 });
  const output = await kernel.run(input, parameters, {});
  expect(output.shape).toEqual([5, 4]);
});
