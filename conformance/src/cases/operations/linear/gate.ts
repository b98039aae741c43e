import type { Activation, Operation, Tensor } from '@heed/core';
import { STORED_TYPES } from '@heed/core/backend';
import type { BehaviorCase, Subject } from '../../../case.ts';
import { linearFault, linearGradientFault, residualFault } from '../../../judge/linear.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { checkRepeat, checkRowsAlone, everything, rowsOf } from './rows.ts';
import { type LinearSetting, type LinearSketch, linearCase, outputOf, withWeights } from './sketch.ts';
import { storedSetting } from './stored.ts';

const ACTIVATIONS: readonly (Activation | null)[] = [null, 'gelu', 'geluTanh', 'silu', 'relu', 'sigmoid'];

const VALUES: Readonly<Record<string, LinearSketch>> = {
  'one-by-one': { inputDim: 1, outputDim: 1, rows: [1] },
  'a-vector': { inputDim: 8, outputDim: 4, rows: [] },
  'odd-widths': { inputDim: 7, outputDim: 5, rows: [2, 3], bias: true },
  'one-row': { inputDim: 130, outputDim: 100, rows: [1], bias: true },
  'several-panels': { inputDim: 30, outputDim: 99, rows: [13], bias: true },
  'no-rows': { inputDim: 8, outputDim: 4, rows: [2, 0], bias: true },
  float64: { inputDim: 17, outputDim: 11, rows: [6], bias: true, dtype: 'float64' },
};

const USUAL: LinearSketch = {
  inputDim: 24,
  outputDim: 19,
  rows: [29],
  bias: true,
  activation: 'silu',
  gradient: true,
};

function gateCase(
  name: string,
  sketch: LinearSketch,
  run: (subject: Subject & { readonly setting: LinearSetting }, id: string) => Promise<void>,
  more: readonly Operation[] = [],
): BehaviorCase {
  const theCase = linearCase(`gate/${name}`, { ...sketch, gate: true }, run);
  return { ...theCase, operations: ['linear', 'linear.gate', ...more] };
}

function value(name: string, sketch: LinearSketch): BehaviorCase {
  return gateCase(`values/${name}`, sketch, async ({ backend, setting }, id) => {
    const output = await outputOf(backend, setting);
    const fault = linearFault(setting.problem, setting.parameters, setting.input, output, id);
    ensure(fault === null, fault ?? '');
  });
}

function gradient(name: string, sketch: LinearSketch): BehaviorCase {
  return gateCase(`gradient/${name}`, { ...sketch, gradient: true }, async ({ backend, setting }) => {
    const { problem, parameters, input, dOutput } = setting;
    await withWeights(backend, setting, async (kernel, weights) => {
      const gradients = await kernel.gradient({ input, weights }, { dOutput });
      const fault = await linearGradientFault(problem, parameters, input, dOutput, gradients);
      ensure(fault === null, fault ?? '');
    });
  });
}

/** Gates of weights as they are stored. */
function storedCases(): BehaviorCase[] {
  const sketch: LinearSketch = { inputDim: 64, outputDim: 21, rows: [6], bias: true, activation: 'silu' };
  return STORED_TYPES.map((weightType) => {
    const theCase = behavior('linear', `gate/stored/${weightType}`, [], async ({ backend }, id) => {
      const { problem, parameters, input, dOutput } = storedSetting(
        weightType,
        { ...sketch, gate: true },
        id,
      );
      const output = await outputOf(backend, { problem, parameters, input, dOutput });
      const fault = linearFault(problem, parameters, input, output, id);
      ensure(fault === null, fault ?? '');
    });
    return { ...theCase, operations: ['linear', 'linear.gate'], weightType } as const;
  });
}

function promises(): BehaviorCase[] {
  const batch = gateCase('batch', USUAL, checkRowsAlone);
  const repeat = gateCase('repeat', USUAL, async (subject) =>
    checkRepeat(subject, await everything(subject, subject.setting)),
  );
  const nonFinite = (name: string, number: number): BehaviorCase =>
    gateCase(`nonfinite/${name}`, USUAL, async ({ backend, setting }) => {
      const { inputDim, outputDim } = setting.problem;
      const clean = await outputOf(backend, setting);
      const input = structuredClone(setting.input);
      input.data[4 * inputDim + 1] = number;
      const output = await outputOf(backend, { ...setting, input });
      const row = output.data.subarray(4 * outputDim, 5 * outputDim);
      ensure(
        [...row].some((x) => !Number.isFinite(x)),
        `${number} in a row leaves a finite row`,
      );
      row.set(clean.data.subarray(4 * outputDim, 5 * outputDim) as never);
      ensureSameBits({ output }, { output: clean }, `rows beside one with ${number}`);
    });
  return [
    { ...batch, guarantee: 'batch' },
    { ...repeat, guarantee: 'repeat' },
    { ...nonFinite('nan', NaN), guarantee: 'nonfinite' },
    { ...nonFinite('infinity', Infinity), guarantee: 'nonfinite' },
  ];
}

/** Cases of projections whose one half is the gate of the other. */
export function linearGateCases(): BehaviorCase[] {
  const declared = behavior('linear', 'gate/declared', [], async ({ backend }) => {
    const compiled = () => backend.linear!.compile({ inputDim: 4, outputDim: 3, gate: true });
    if (backend.capabilities.operations?.includes('linear.gate')) await (await compiled()).dispose();
    else await ensureError(compiled, 'UNSUPPORTED', 'a gate');
  });
  return [
    { ...declared, operations: ['linear'] },
    ...Object.entries(VALUES).map(([name, sketch]) => value(name, { activation: 'silu', ...sketch })),
    ...ACTIVATIONS.flatMap((activation) => {
      const sketch = { inputDim: 11, outputDim: 23, rows: [2, 4], bias: true, activation };
      return [value(`${activation}`, { ...sketch, spread: 2 }), gradient(`${activation}`, sketch)];
    }),
    gradient('many-rows', { inputDim: 16, outputDim: 20, rows: [70], activation: 'silu' }),
    gradient('no-rows', { inputDim: 6, outputDim: 4, rows: [0], bias: true, activation: 'gelu' }),
    gradient('float64', { ...USUAL, dtype: 'float64' }),
    gateCase('ignored-row', { ...USUAL, rows: [5] }, async ({ backend, setting }) => {
      const { problem, parameters, input, dOutput } = setting;
      const { inputDim, outputDim } = problem;
      const padded = structuredClone(input);
      dOutput.data.fill(0, 2 * outputDim, 3 * outputDim);
      padded.data.fill(NaN, 2 * inputDim, 3 * inputDim);
      const gradients = await everything({ backend }, { ...setting, input: padded });
      const fault = await linearGradientFault(problem, parameters, input, dOutput, gradients);
      ensure(fault === null, `with NaN in a row whose dOutput is 0: ${fault}`);
    }),
    gateCase(
      'residual',
      USUAL,
      async ({ backend, setting }) => {
        const { problem, parameters, input, dOutput } = setting;
        await withWeights(backend, setting, async (kernel, weights) => {
          const { output } = await kernel.run({ input, weights, residual: dOutput });
          const fault = residualFault(problem, parameters, input, dOutput, output);
          ensure(fault === null, fault ?? '');
          const plain = await kernel.gradient({ input, weights }, { dOutput });
          const { dInput } = await kernel.gradient({ input, weights }, { dOutput, dResidual: input });
          const largest = Math.max(...Array.from(plain.dInput.data, Math.abs));
          dInput.data.forEach((x, n) => {
            const [own, past] = [plain.dInput.data[n]!, input.data[n]!];
            const allowed = 2 ** -20 * (largest + Math.abs(past));
            ensure(Math.abs(x - own - past) <= allowed, `dInput[${n}] is ${x}; expected ${own + past}`);
          });
        });
      },
      ['linear.residual'],
    ),
    gateCase('resident', USUAL, async ({ backend, setting }) => {
      const { input, dOutput } = setting;
      const plain = await everything({ backend }, setting);
      await withWeights(backend, setting, async (kernel, weights) => {
        const there = {
          input: await backend.upload(input as Tensor<'float32'>),
          dOutput: await backend.upload(dOutput as Tensor<'float32'>),
        };
        const stay = { resident: true } as const;
        const { output } = await kernel.run({ input: there.input, weights }, stay);
        const gradients = await kernel.gradient(
          { input: there.input, weights },
          { dOutput: there.dOutput },
          stay,
        );
        const { dInput, dWeight, dBias } = gradients;
        const read = {
          output: await output.read(),
          dInput: await dInput.read(),
          dWeight: await dWeight.read(),
          dBias: await dBias!.read(),
        };
        ensureSameBits(read, { ...plain } as typeof read, 'resident inputs and results');
        for (const one of [output, dInput, dWeight, dBias!, there.input, there.dOutput]) one.dispose();
      });
    }),
    gateCase('errors', USUAL, async ({ backend, setting }) => {
      const { problem, parameters, input, dOutput } = setting;
      const compiled = () => backend.linear!.compile({ ...problem, gate: 1 as never });
      await ensureError(compiled, 'ARGUMENT', 'gate: 1');
      await withWeights(backend, setting, async (kernel, weights) => {
        const half = rowsOf(parameters.weight, 0, problem.outputDim);
        const packing = () => kernel.pack({ ...parameters, weight: half });
        await ensureError(packing, 'SHAPE', 'a weight of one half');
        const wide = { ...dOutput, shape: [1, 29 * problem.outputDim] } as Tensor;
        const back = () => kernel.gradient({ input, weights }, { dOutput: wide });
        await ensureError(back, 'SHAPE', 'a dOutput of another shape');
      });
    }),
    ...storedCases(),
    ...promises(),
  ];
}
