import type { Tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { ensure } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { checkInputs, checkRepeat, everything, withOperation } from '../kernel.ts';
import { type ElementDropoutSketch, elementDropoutCase } from './sketch.ts';

const USUAL: ElementDropoutSketch = { probability: 0.4, shape: [1003], gradient: true, stream: 2 };

const SKETCHES: Readonly<Record<string, ElementDropoutSketch>> = {
  usual: USUAL,
  residual: { ...USUAL, residual: true },
  'many-elements': { ...USUAL, shape: [150, 300] },
  float64: { ...USUAL, dtype: 'float64' },
};

/** The first elements, as a row. */
function firstOf({ dtype, data }: Tensor, count: number): Tensor {
  return { dtype, shape: [count], data: data.slice(0, count) } as Tensor;
}

function batchCase(name: string, sketch: ElementDropoutSketch): BehaviorCase {
  const theCase = elementDropoutCase(`batch/${name}`, sketch, async ({ backend, setting }) => {
    await withOperation(backend, setting, async (kernel) => {
      const all = await everything(kernel, setting);
      const { residual } = setting.inputs;
      for (const count of [1, 2, 7, 258]) {
        const part = {
          ...setting,
          inputs: {
            ...setting.inputs,
            input: firstOf(setting.inputs.input, count),
            ...(residual && { residual: firstOf(residual, count) }),
          },
          forward: { dOutput: firstOf(setting.forward.dOutput, count) },
        };
        const expected = Object.entries(all).map(([key, value]) => [key, firstOf(value, count)]);
        const what = `the first ${count} elements alone`;
        ensureSameBits(await everything(kernel, part), Object.fromEntries(expected) as typeof all, what);
      }
    });
  });
  return { ...theCase, guarantee: 'batch' };
}

function nonFiniteCase(name: string, value: number): BehaviorCase {
  const theCase = elementDropoutCase(`nonfinite/${name}`, USUAL, async ({ backend, setting }) => {
    await withOperation(backend, setting, async (kernel) => {
      const { output: clean } = await kernel.run(setting.inputs);
      const at = clean.data.findIndex((x, n) => n > 400 && x !== 0);
      const input = structuredClone(setting.inputs.input);
      input.data[at] = value;
      const { output } = await kernel.run({ ...setting.inputs, input });
      ensure(Object.is(output.data[at], value), `${value}, which is kept, became ${output.data[at]}`);
      output.data[at] = clean.data[at]!;
      ensureSameBits({ output }, { output: clean }, `elements beside ${value}`);
    });
  });
  return { ...theCase, guarantee: 'nonfinite' };
}

export function elementDropoutPromiseCases(): BehaviorCase[] {
  const sketches = Object.entries(SKETCHES);
  return [
    ...sketches.map(([name, sketch]) => batchCase(name, sketch)),
    ...sketches.map(([name, sketch]) => ({
      ...elementDropoutCase(`repeat/${name}`, sketch, checkRepeat),
      guarantee: 'repeat' as const,
    })),
    nonFiniteCase('nan', NaN),
    nonFiniteCase('infinity', Infinity),
    elementDropoutCase('inputs', USUAL, checkInputs),
  ];
}
