import type { Activation } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { linearFault, linearGradientFault } from '../../../judge/linear.ts';
import { ensure } from '../../building/behavior.ts';
import { type LinearSketch, linearCase, outputOf, withWeights } from './sketch.ts';

const ACTIVATIONS: readonly Activation[] = ['gelu', 'geluTanh', 'silu', 'relu', 'sigmoid'];

const VALUES: Readonly<Record<string, LinearSketch>> = {
  'one-by-one': { inputDim: 1, outputDim: 1, rows: [1] },
  'a-vector': { inputDim: 8, outputDim: 4, rows: [] },
  'odd-widths': { inputDim: 7, outputDim: 5, rows: [2, 3], bias: true },
  'one-output': { inputDim: 33, outputDim: 1, rows: [9], bias: true },
  'one-input': { inputDim: 1, outputDim: 37, rows: [4], bias: true },
  'one-row': { inputDim: 130, outputDim: 100, rows: [1], bias: true },
  'several-panels': { inputDim: 64, outputDim: 99, rows: [13], bias: true },
  'many-rows': { inputDim: 20, outputDim: 40, rows: [5, 27], bias: true },
  'several-blocks': { inputDim: 40, outputDim: 300, rows: [150] },
  'long-sums': { inputDim: 3000, outputDim: 9, rows: [7], bias: true },
  'no-rows': { inputDim: 8, outputDim: 4, rows: [2, 0], bias: true },
  'four-axes': { inputDim: 6, outputDim: 12, rows: [2, 1, 3] },
  'large-numbers': { inputDim: 50, outputDim: 20, rows: [4], spread: 1e6, bias: true },
  float64: { inputDim: 37, outputDim: 21, rows: [14], bias: true, dtype: 'float64' },
};

const OFTEN: Readonly<Record<string, LinearSketch>> = {
  small: { inputDim: 5, outputDim: 19, rows: [7] },
  wide: { inputDim: 30, outputDim: 64, rows: [14], spread: 2, bias: true },
  'both-ends': { inputDim: 1, outputDim: 200, rows: [3], spread: 12 },
  float64: { inputDim: 9, outputDim: 50, rows: [8], spread: 2, bias: true, dtype: 'float64' },
};

function value(name: string, sketch: LinearSketch): BehaviorCase {
  return linearCase(name, sketch, async ({ backend, setting }, id) => {
    const output = await outputOf(backend, setting);
    const fault = linearFault(setting.problem, setting.parameters, setting.input, output, id);
    ensure(fault === null, fault ?? '');
  });
}

function gradient(name: string, sketch: LinearSketch): BehaviorCase {
  return linearCase(`gradient/${name}`, { ...sketch, gradient: true }, async ({ backend, setting }) => {
    const { problem, parameters, input, dOutput } = setting;
    await withWeights(backend, setting, async (kernel, weights) => {
      const gradients = await kernel.gradient({ input, weights }, { dOutput });
      ensure('dBias' in gradients === problem.bias, 'dBias is there if, and only if, the problem has a bias');
      const fault = await linearGradientFault(problem, parameters, input, dOutput, gradients);
      ensure(fault === null, fault ?? '');
    });
  });
}

export function linearValueCases(): BehaviorCase[] {
  const activated = ACTIVATIONS.flatMap((activation) =>
    Object.entries(OFTEN).map(([name, sketch]) =>
      value(`activation/${activation}/${name}`, { ...sketch, activation }),
    ),
  );
  const curved = ACTIVATIONS.map((activation) =>
    gradient(activation, { inputDim: 11, outputDim: 9, rows: [2, 4], bias: true, activation }),
  );
  return [
    ...Object.entries(VALUES).map(([name, sketch]) => value(`values/${name}`, sketch)),
    ...activated,
    gradient('plain', { inputDim: 24, outputDim: 17, rows: [3, 5] }),
    gradient('many-rows', { inputDim: 16, outputDim: 40, rows: [70], bias: true }),
    gradient('long-sums', { inputDim: 21, outputDim: 13, rows: [530], bias: true }),
    gradient('wide', { inputDim: 150, outputDim: 210, rows: [5], bias: true }),
    gradient('no-rows', { inputDim: 6, outputDim: 4, rows: [0], bias: true }),
    gradient('float64', {
      inputDim: 12,
      outputDim: 7,
      rows: [9],
      bias: true,
      activation: 'gelu',
      dtype: 'float64',
    }),
    ...curved,
    ignoredRow('ignored-row', { inputDim: 9, outputDim: 6, rows: [5], activation: 'silu' }, [2]),
    ignoredRow('ignored-row/many', { inputDim: 37, outputDim: 14, rows: [280] }, [0, 17, 18, 255, 256, 279]),
  ];
}

/** Rows without influence hold NaN and infinity. */
function ignoredRow(name: string, sketch: LinearSketch, ignored: readonly number[]): BehaviorCase {
  return linearCase(name, { ...sketch, bias: true, gradient: true }, async ({ backend, setting }) => {
    const { problem, parameters, input, dOutput } = setting;
    const { inputDim, outputDim } = problem;
    const padded = structuredClone(input);
    for (const row of ignored) {
      dOutput.data.fill(0, row * outputDim, (row + 1) * outputDim);
      padded.data.fill(row % 2 === 0 ? NaN : Infinity, row * inputDim, (row + 1) * inputDim);
    }
    await withWeights(backend, setting, async (kernel, weights) => {
      const gradients = await kernel.gradient({ input: padded, weights }, { dOutput });
      const fault = await linearGradientFault(problem, parameters, input, dOutput, gradients);
      ensure(fault === null, `with NaN in rows whose dOutput is 0: ${fault}`);
    });
  });
}
