import type { Operation, Tensor } from '@heed/core';
import type { BehaviorCase, Subject } from '../../../case.ts';
import { linearFault, linearGradientFault, residualFault } from '../../../judge/linear.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { type Everything, checkRepeat, checkRowsAlone, everything } from './rows.ts';
import { type LinearSetting, type LinearSketch, linearCase, outputOf, withWeights } from './sketch.ts';

const USUAL: LinearSketch = {
  inputDim: 24,
  outputDim: 19,
  rows: [29],
  bias: true,
  activation: 'gelu',
};
const GATED: LinearSketch = { ...USUAL, activation: 'silu', gate: true };

const VALUES: Readonly<Record<string, LinearSketch>> = {
  gelu: { inputDim: 11, outputDim: 23, rows: [2, 4], bias: true, activation: 'gelu', spread: 2 },
  geluTanh: { inputDim: 7, outputDim: 5, rows: [3], activation: 'geluTanh' },
  silu: { inputDim: 12, outputDim: 33, rows: [4], bias: true, activation: 'silu' },
  relu: { inputDim: 9, outputDim: 16, rows: [5], activation: 'relu' },
  sigmoid: { inputDim: 8, outputDim: 17, rows: [6], bias: true, activation: 'sigmoid' },
  'one-row': { inputDim: 70, outputDim: 99, rows: [1], bias: true, activation: 'silu' },
  'many-rows': { inputDim: 16, outputDim: 130, rows: [90], activation: 'relu' },
  'whole-vectors': { inputDim: 16, outputDim: 64, rows: [50], bias: true, activation: 'gelu' },
  'no-rows': { inputDim: 6, outputDim: 4, rows: [2, 0], bias: true, activation: 'gelu' },
  float64: { inputDim: 17, outputDim: 11, rows: [6], bias: true, activation: 'gelu', dtype: 'float64' },
};

const GATES: Readonly<Record<string, LinearSketch>> = {
  gate: { inputDim: 11, outputDim: 23, rows: [2, 4], bias: true, activation: 'silu' },
  'gate/null': { inputDim: 10, outputDim: 8, rows: [3], activation: null },
  'gate/gelu': { inputDim: 13, outputDim: 40, rows: [7], activation: 'gelu' },
  'gate/many-rows': { inputDim: 16, outputDim: 20, rows: [70], bias: true, activation: 'geluTanh' },
  'gate/no-rows': { inputDim: 6, outputDim: 4, rows: [0], bias: true, activation: 'silu' },
  'gate/float64': { ...GATED, dtype: 'float64' },
};

function argumentCase(
  name: string,
  sketch: LinearSketch,
  run: (subject: Subject & { readonly setting: LinearSetting }, id: string) => Promise<void>,
  more: readonly Operation[] = [],
): BehaviorCase {
  const theCase = linearCase(`argument/${name}`, { ...sketch, gradient: true, argument: true }, run);
  const gate = sketch.gate ? (['linear.gate'] as const) : [];
  return { ...theCase, operations: ['linear', 'linear.argument', ...gate, ...more] };
}

/** The output, its argument and every gradient. */
async function withArgument(
  subject: Pick<Subject, 'backend'>,
  setting: LinearSetting,
): Promise<Everything & { readonly argument: Tensor }> {
  const { argument, ...others } = await everything(subject, setting);
  return { ...others, argument: argument! };
}

/** Error of an argument; null if there is none. */
function argumentFault({ problem, parameters, input }: LinearSetting, actual: Tensor): string | null {
  const outputDim = problem.gate ? 2 * problem.outputDim : problem.outputDim;
  const sums = { ...problem, outputDim, gate: false, activation: null };
  const fault = linearFault(sums, parameters, input, actual);
  return fault === null ? null : fault.replace('output', 'argument');
}

function value(name: string, sketch: LinearSketch): BehaviorCase {
  return argumentCase(`values/${name}`, sketch, async ({ backend, setting }, id) => {
    const { problem, parameters, input, dOutput } = setting;
    const { output, argument, ...gradients } = await withArgument({ backend }, setting);
    const fault =
      linearFault(problem, parameters, input, output, id) ??
      argumentFault(setting, argument) ??
      (await linearGradientFault(problem, parameters, input, dOutput, gradients));
    ensure(fault === null, fault ?? '');
  });
}

/** The gradient of a run with another argument than its own. */
function given(name: string, sketch: LinearSketch): BehaviorCase {
  return argumentCase(`given/${name}`, sketch, async ({ backend, setting }) => {
    const { problem, parameters, input, dOutput } = setting;
    await withWeights(backend, setting, async (kernel, weights) => {
      const { argument } = await kernel.run({ input, weights });
      argument!.data.forEach((z, n) => (argument!.data[n] = 1 - z / 2));
      const gradients = await kernel.gradient({ input, weights }, { dOutput, argument });
      const fault = await linearGradientFault(problem, parameters, input, dOutput, gradients, argument);
      ensure(fault === null, fault ?? '');
    });
  });
}

function ignoredRow(name: string, sketch: LinearSketch): BehaviorCase {
  return argumentCase(`ignored-row/${name}`, { ...sketch, rows: [5] }, async ({ backend, setting }) => {
    const { problem, parameters, input, dOutput } = setting;
    const { inputDim, outputDim } = problem;
    const padded = structuredClone(input);
    dOutput.data.fill(0, 2 * outputDim, 3 * outputDim);
    padded.data.fill(NaN, 2 * inputDim, 3 * inputDim);
    const {
      output: _,
      argument,
      ...gradients
    } = await withArgument({ backend }, { ...setting, input: padded });
    const row = argument.data.subarray((2 * argument.data.length) / 5, (3 * argument.data.length) / 5);
    ensure(Array.from(row, Number).every(Number.isNaN), 'the argument of a row of NaN has numbers');
    const fault = await linearGradientFault(problem, parameters, input, dOutput, gradients);
    ensure(fault === null, `with NaN in a row whose dOutput is 0: ${fault}`);
  });
}

function residual(name: string, sketch: LinearSketch): BehaviorCase {
  return argumentCase(
    `residual/${name}`,
    sketch,
    async ({ backend, setting }) => {
      const { problem, parameters, input, dOutput } = setting;
      await withWeights(backend, setting, async (kernel, weights) => {
        const { argument: before } = await kernel.run({ input, weights });
        const { output, argument } = await kernel.run({ input, weights, residual: dOutput });
        const fault = residualFault(problem, parameters, input, dOutput, output);
        ensure(fault === null, fault ?? '');
        ensureSameBits({ argument: argument! }, { argument: before! }, 'the argument beside a residual');
        const forward = { dOutput, argument };
        const plain = await kernel.gradient({ input, weights }, forward);
        const { dInput } = await kernel.gradient({ input, weights }, { ...forward, dResidual: input });
        const largest = Math.max(...Array.from(plain.dInput.data, Math.abs));
        dInput.data.forEach((x, n) => {
          const expected = plain.dInput.data[n]! + input.data[n]!;
          const allowed = 2 ** -20 * (largest + Math.abs(input.data[n]!));
          ensure(Math.abs(x - expected) <= allowed, `dInput[${n}] is ${x}; expected ${expected}`);
        });
      });
    },
    ['linear.residual'],
  );
}

function resident(name: string, sketch: LinearSketch): BehaviorCase {
  return argumentCase(`resident/${name}`, sketch, async ({ backend, setting }) => {
    const { input, dOutput } = setting;
    const plain = await withArgument({ backend }, setting);
    await withWeights(backend, setting, async (kernel, weights) => {
      const there = await backend.upload(input as Tensor<'float32'>);
      const stay = { resident: true } as const;
      const { output, argument } = await kernel.run({ input: there, weights }, stay);
      const back = { dOutput, argument };
      const gradients = await kernel.gradient({ input: there, weights }, back, stay);
      const { dInput, dWeight, dBias } = gradients;
      const read = {
        output: await output.read(),
        argument: await argument!.read(),
        dInput: await dInput.read(),
        dWeight: await dWeight.read(),
        dBias: await dBias!.read(),
      };
      ensureSameBits(read, { ...plain } as typeof read, 'resident inputs and results');
      for (const one of [output, argument!, dInput, dWeight, dBias!, there]) one.dispose();
    });
  });
}

/** Guarantees, of projections with and without a gate. */
function promises(name: string, sketch: LinearSketch): BehaviorCase[] {
  const batch = argumentCase(`batch/${name}`, sketch, checkRowsAlone);
  const repeat = argumentCase(`repeat/${name}`, sketch, async (subject) => {
    const { setting } = subject;
    const first = await everything(subject, setting);
    const problem = { ...setting.problem, argument: false };
    const output = await outputOf(subject.backend, { ...setting, problem });
    ensureSameBits({ output }, { output: first.output }, 'the output without its argument');
    await checkRepeat(subject, first);
  });
  const nonFinite = argumentCase(`nonfinite/${name}`, sketch, async ({ backend, setting }) => {
    const clean = await withArgument({ backend }, setting);
    const input = structuredClone(setting.input);
    input.data[4 * setting.problem.inputDim + 1] = NaN;
    const { argument } = await withArgument({ backend }, { ...setting, input });
    const width = argument.shape.at(-1)!;
    const row = argument.data.subarray(4 * width, 5 * width);
    ensure(
      Array.from(row, Number).every(Number.isNaN),
      'NaN in a row of the input is a number in its argument',
    );
    row.set(clean.argument.data.subarray(4 * width, 5 * width) as never);
    ensureSameBits({ argument }, { argument: clean.argument }, 'rows beside one with NaN');
  });
  return [
    { ...batch, guarantee: 'batch' },
    { ...repeat, guarantee: 'repeat' },
    { ...nonFinite, guarantee: 'nonfinite' },
  ];
}

const errors = argumentCase('errors', USUAL, async ({ backend, setting }) => {
  const { problem, input, dOutput } = setting;
  for (const [changed, what] of [
    [{ argument: 1 as never }, 'argument: 1'],
    [{ gradient: false }, 'an argument without a gradient'],
    [{ activation: null }, 'an argument of nothing'],
  ] as const) {
    await ensureError(() => backend.linear!.compile({ ...problem, ...changed }), 'ARGUMENT', what);
  }
  await withWeights(backend, setting, async (kernel, weights) => {
    const { argument } = await kernel.run({ input, weights });
    const missing = () => kernel.gradient({ input, weights }, { dOutput });
    await ensureError(missing, 'MISSING_INPUT', 'no argument');
    const wrong = () => kernel.gradient({ input, weights }, { dOutput, argument: input });
    await ensureError(wrong, 'SHAPE', 'an argument of the shape of the input');
    const gradients = await kernel.gradient({ input, weights }, { dOutput, argument });
    const fault = await linearGradientFault(problem, setting.parameters, input, dOutput, gradients);
    ensure(fault === null, `after mistakes: ${fault}`);
  });
  const without = { ...setting, problem: { ...problem, argument: false } };
  await withWeights(backend, without, async (kernel, weights) => {
    const results = await kernel.run({ input, weights });
    ensure(!('argument' in results), 'an argument that the problem does not have');
    const asked = () => kernel.gradient({ input, weights }, { dOutput, argument: dOutput });
    await ensureError(asked, 'UNEXPECTED_INPUT', 'an argument that the problem does not have');
  });
});

/** Cases of runs whose gradient takes the argument of activation and gate. */
export function linearArgumentCases(): BehaviorCase[] {
  const declared = behavior('linear', 'argument/declared', [], async ({ backend }) => {
    const problem = { inputDim: 4, outputDim: 3, activation: 'gelu', gradient: true } as const;
    const compiled = () => backend.linear!.compile({ ...problem, argument: true });
    if (backend.capabilities.operations?.includes('linear.argument')) await (await compiled()).dispose();
    else await ensureError(compiled, 'UNSUPPORTED', 'an argument');
  });
  const both = (of: (name: string, sketch: LinearSketch) => BehaviorCase): BehaviorCase[] => [
    of('plain', USUAL),
    of('gate', GATED),
  ];
  return [
    { ...declared, operations: ['linear'] },
    ...Object.entries(VALUES).map(([name, sketch]) => value(name, sketch)),
    ...Object.entries(GATES).map(([name, sketch]) => value(name, { ...sketch, gate: true })),
    ...both(given),
    ...both(ignoredRow),
    ...both(residual),
    ...both(resident),
    errors,
    ...promises('plain', USUAL),
    ...promises('gate', GATED),
  ];
}
