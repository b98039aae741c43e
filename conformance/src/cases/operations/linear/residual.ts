import type { ComputeDType, Tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { residualFault } from '../../../judge/linear.ts';
import { randomFrom } from '../../../random.ts';
import { ensure, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { numbersOf } from '../numbers.ts';
import { type LinearSketch, linearCase, withWeights } from './sketch.ts';

const VALUES: Readonly<Record<string, LinearSketch>> = {
  small: { inputDim: 7, outputDim: 5, rows: [2, 3], bias: true },
  activated: { inputDim: 24, outputDim: 37, rows: [9], bias: true, activation: 'gelu' },
  'many-rows': { inputDim: 16, outputDim: 130, rows: [90] },
  'no-rows': { inputDim: 6, outputDim: 4, rows: [0], bias: true },
  float64: { inputDim: 12, outputDim: 21, rows: [8], bias: true, dtype: 'float64' },
};

/** Random numbers in the form of a tensor. */
function like({ dtype, shape }: Tensor, seed: string): Tensor {
  const random = randomFrom(seed);
  return numbersOf(dtype as ComputeDType, shape, () => random.normal());
}

function residualCase(...given: Parameters<typeof linearCase>): BehaviorCase {
  return { ...linearCase(...given), operations: ['linear', 'linear.residual'] };
}

/** Cases of what is added to a projection and to the gradient of its input. */
export function linearResidualCases(): BehaviorCase[] {
  const usual: LinearSketch = { inputDim: 24, outputDim: 20, rows: [2, 5], bias: true, gradient: true };
  return [
    ...Object.entries(VALUES).map(([name, sketch]) =>
      residualCase(`residual/values/${name}`, sketch, async ({ backend, setting }, id) => {
        const { problem, parameters, input, dOutput } = setting;
        const residual = like(dOutput, id);
        await withWeights(backend, setting, async (kernel, weights) => {
          const { output } = await kernel.run({ input, weights, residual });
          const fault = residualFault(problem, parameters, input, residual, output);
          ensure(fault === null, fault ?? '');
        });
      }),
    ),
    residualCase(
      'residual/gradient',
      usual,
      async ({ backend, setting: { input, dOutput, ...setting } }, id) => {
        const dResidual = like(input, id);
        await withWeights(backend, setting, async (kernel, weights) => {
          const plain = await kernel.gradient({ input, weights }, { dOutput });
          const { dInput, ...others } = await kernel.gradient({ input, weights }, { dOutput, dResidual });
          dInput.data.forEach((x, n) => {
            const expected = plain.dInput.data[n]! + dResidual.data[n]!;
            const allowed = 2 ** -21 * (Math.abs(plain.dInput.data[n]!) + Math.abs(dResidual.data[n]!));
            ensure(Math.abs(x - expected) <= allowed, `dInput[${n}] is ${x}; expected ${expected}`);
          });
          const { dInput: _, ...before } = plain;
          ensureSameBits({ ...others }, { ...before }, 'other gradients beside a dResidual');
        });
      },
    ),
    residualCase(
      'residual/resident',
      usual,
      async ({ backend, setting: { input, dOutput, ...setting } }, id) => {
        const [residual, dResidual] = [like(dOutput, id), like(input, `${id} back`)];
        await withWeights(backend, setting, async (kernel, weights) => {
          const { output } = await kernel.run({ input, weights, residual });
          const { dInput } = await kernel.gradient({ input, weights }, { dOutput, dResidual });
          const there = {
            residual: await backend.upload(residual),
            dResidual: await backend.upload(dResidual),
          };
          const results = await kernel.run({ input, weights, residual: there.residual }, { resident: true });
          const gradients = await kernel.gradient(
            { input, weights },
            { dOutput, dResidual: there.dResidual },
            { resident: true },
          );
          const read = { output: await results.output.read(), dInput: await gradients.dInput.read() };
          ensureSameBits(read, { output, dInput }, 'a resident residual');
          const kept = { residual: await there.residual.read(), dResidual: await there.dResidual.read() };
          ensureSameBits(kept, { residual, dResidual }, 'the residuals after a run');
          const { dWeight, dBias } = gradients;
          const all = [results.output, gradients.dInput, dWeight, dBias!, there.residual, there.dResidual];
          for (const resident of all) resident.dispose();
        });
      },
    ),
    residualCase('residual/errors', usual, async ({ backend, setting }) => {
      const { input, dOutput } = setting;
      await withWeights(backend, setting, async (kernel, weights) => {
        const run = () => kernel.run({ input, weights, residual: input });
        await ensureError(run, 'SHAPE', 'a residual of the shape of the input');
        const back = () => kernel.gradient({ input, weights }, { dOutput, dResidual: dOutput });
        await ensureError(back, 'SHAPE', 'a dResidual of the shape of the output');
      });
    }),
    residualCase('residual/nonfinite', { ...usual, rows: [6] }, async ({ backend, setting }, id) => {
      const { input, dOutput } = setting;
      const residual = like(dOutput, id);
      await withWeights(backend, setting, async (kernel, weights) => {
        const { output: clean } = await kernel.run({ input, weights, residual });
        const spoiled = structuredClone(residual);
        spoiled.data[43] = NaN;
        const { output } = await kernel.run({ input, weights, residual: spoiled });
        ensure(Number.isNaN(output.data[43]), 'NaN in a residual is a number in the output');
        output.data[43] = clean.data[43]!;
        ensureSameBits({ output }, { output: clean }, 'numbers beside one with NaN');
      });
    }),
  ];
}
