import type { Tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { ensure, withBackend } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { rowsOf } from './rows.ts';
import { type LinearSketch, linearCase, outputOf, withWeights } from './sketch.ts';

const COMPANY: Readonly<Record<string, LinearSketch>> = {
  plain: { inputDim: 50, outputDim: 37, rows: [29], bias: true },
  activated: { inputDim: 40, outputDim: 33, rows: [26], bias: true, activation: 'gelu' },
  'many-rows': { inputDim: 33, outputDim: 70, rows: [260] },
  'long-sums': { inputDim: 1100, outputDim: 20, rows: [13] },
  float64: { inputDim: 20, outputDim: 19, rows: [15], activation: 'silu', dtype: 'float64' },
};

function batchCase(name: string, sketch: LinearSketch): BehaviorCase {
  const theCase = linearCase(`batch/${name}`, sketch, async ({ backend, setting }) => {
    const { input } = setting;
    const rows = input.shape[0]!;
    await withWeights(backend, setting, async (kernel, weights) => {
      const { output: all } = await kernel.run({ input, weights });
      for (const size of [1, 2, 3, 5, 7, 12]) {
        for (const first of [0, 1, rows - size]) {
          const part = { input: rowsOf(input, first, first + size), weights };
          const { output } = await kernel.run(part);
          const expected = { output: rowsOf(all, first, first + size) };
          ensureSameBits({ output }, expected, `rows ${first} … ${first + size - 1} of ${rows} alone`);
        }
      }
    });
  });
  return { ...theCase, guarantee: 'batch' };
}

const GRADIENT: LinearSketch = {
  inputDim: 40,
  outputDim: 37,
  rows: [29],
  bias: true,
  activation: 'gelu',
  gradient: true,
};

function gradientBatchCase(): BehaviorCase {
  const theCase = linearCase('batch/gradient', GRADIENT, async ({ backend, setting }) => {
    const { input, dOutput } = setting;
    const rows = input.shape[0]!;
    await withWeights(backend, setting, async (kernel, weights) => {
      const { dInput: all } = await kernel.gradient({ input, weights }, { dOutput });
      for (const size of [1, 2, 5, 12]) {
        for (const first of [0, rows - size]) {
          const end = first + size;
          const part = { input: rowsOf(input, first, end), weights };
          const { dInput } = await kernel.gradient(part, { dOutput: rowsOf(dOutput, first, end) });
          const expected = { dInput: rowsOf(all, first, end) };
          ensureSameBits({ dInput }, expected, `rows ${first} … ${end - 1} of ${rows} alone`);
        }
      }
    });
  });
  return { ...theCase, guarantee: 'batch' };
}

function gradientRepeatCase(): BehaviorCase {
  const theCase = linearCase('repeat/gradient', { ...GRADIENT, rows: [300] }, async (subject) => {
    const { input, dOutput } = subject.setting;
    const gradients = (backend: typeof subject.backend): Promise<object> =>
      withWeights(backend, subject.setting, async (kernel, weights) => ({
        ...(await kernel.gradient({ input, weights }, { dOutput })),
      }));
    const first = (await gradients(subject.backend)) as Record<string, Tensor>;
    const both = await Promise.all([gradients(subject.backend), gradients(subject.backend)]);
    for (const again of both) ensureSameBits({ ...again }, first, 'gradients that overlap');
    await withBackend(subject, async (other) => {
      ensureSameBits({ ...(await gradients(other)) }, first, 'a second backend');
    });
  });
  return { ...theCase, guarantee: 'repeat' };
}

function repeatCase(name: string, sketch: LinearSketch): BehaviorCase {
  const theCase = linearCase(`repeat/${name}`, sketch, async (subject) => {
    const { backend, setting } = subject;
    const { input } = setting;
    const output = await outputOf(backend, setting);
    await withWeights(backend, setting, async (kernel, weights) => {
      for (let n = 0; n < 3; n++) {
        ensureSameBits({ ...(await kernel.run({ input, weights })) }, { output }, 'another run');
      }
      const four = Array.from({ length: 4 }, () => kernel.run({ input, weights }));
      for (const results of await Promise.all(four))
        ensureSameBits({ ...results }, { output }, 'runs that overlap');
    });
    await withBackend(subject, async (other) => {
      ensureSameBits({ output: await outputOf(other, setting) }, { output }, 'a second backend');
    });
  });
  return { ...theCase, guarantee: 'repeat' };
}

function nonFiniteCase(name: string, value: number, sketch: LinearSketch): BehaviorCase {
  const theCase = linearCase(`nonfinite/${name}`, sketch, async ({ backend, setting }) => {
    const { input, problem } = setting;
    const { outputDim } = problem;
    await withWeights(backend, setting, async (kernel, weights) => {
      const { output: clean } = await kernel.run({ input, weights });
      const spoiled = structuredClone(input);
      spoiled.data[4 * problem.inputDim + 2] = value;
      const { output } = await kernel.run({ input: spoiled, weights });
      const row = rowsOf(output, 4, 5).data;
      ensure(
        row.every((element) => !Number.isFinite(element)),
        `${value} in a row leaves finite numbers in its output`,
      );
      output.data.set(clean.data.subarray(4 * outputDim, 5 * outputDim), 4 * outputDim);
      ensureSameBits({ output }, { output: clean }, `rows beside one with ${value}`);
    });
  });
  return { ...theCase, guarantee: 'nonfinite' };
}

export function linearPromiseCases(): BehaviorCase[] {
  const usual: LinearSketch = { inputDim: 10, outputDim: 21, rows: [11], bias: true };
  return [
    gradientBatchCase(),
    gradientRepeatCase(),
    repeatCase('plain', { inputDim: 64, outputDim: 80, rows: [40], bias: true }),
    repeatCase('activated', { inputDim: 64, outputDim: 80, rows: [3], activation: 'geluTanh' }),
    repeatCase('many-rows', { inputDim: 128, outputDim: 256, rows: [150] }),
    ...Object.entries(COMPANY).map(([name, sketch]) => batchCase(name, sketch)),
    nonFiniteCase('nan', NaN, usual),
    nonFiniteCase('infinity', Infinity, usual),
    nonFiniteCase('nan-activated', NaN, { ...usual, activation: 'gelu' }),
    nonFiniteCase('nan-silu', NaN, { ...usual, activation: 'silu' }),
    linearCase('inputs', { ...usual, gradient: true, activation: 'relu' }, async ({ backend, setting }) => {
      const before = structuredClone(setting);
      await withWeights(backend, setting, async (kernel, weights) => {
        const { input, dOutput } = setting;
        await kernel.run({ input, weights });
        await kernel.gradient({ input, weights }, { dOutput });
      });
      const tensors = ({ input, dOutput, parameters }: typeof before): Record<string, Tensor> => ({
        input,
        dOutput,
        weight: parameters.weight,
        bias: parameters.bias!,
      });
      ensureSameBits(tensors(setting), tensors(before), 'the inputs after a run');
    }),
  ];
}
