import type { Tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { ensure } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { checkInputs, checkRepeat, everything, withOperation } from '../kernel.ts';
import { rowsOf } from '../linear/rows.ts';
import { type NormSketch, normCase } from './sketch.ts';

const LAYER = { kind: 'layer', width: 50, rows: [29], bias: true, gradient: true, residual: true } as const;
const SKETCHES: Readonly<Record<string, NormSketch>> = {
  layer: LAYER,
  rms: { ...LAYER, kind: 'rms', width: 83 },
  'many-rows': { ...LAYER, rows: [260], width: 33 },
  'many-numbers': { ...LAYER, rows: [401], width: 330 },
  float64: { ...LAYER, dtype: 'float64' },
};

function batchCase(name: string, sketch: NormSketch): BehaviorCase {
  const theCase = normCase(`batch/${name}`, sketch, async ({ backend, setting }) => {
    const { inputs, forward } = setting;
    const rows = inputs.input.shape[0]!;
    await withOperation(backend, setting, async (kernel) => {
      const all = await everything(kernel, setting);
      for (const size of [1, 2, 5, 12]) {
        for (const first of [0, 1, rows - size]) {
          const part = (value: Tensor): Tensor => rowsOf(value, first, first + size);
          const actual = await everything(kernel, {
            ...setting,
            inputs: { ...inputs, input: part(inputs.input) } as typeof inputs,
            forward: { dOutput: part(forward.dOutput), dResidual: part(forward.dResidual!) },
          });
          ensureSameBits(
            { output: actual['output'], dInput: actual['dInput'] },
            { output: part(all['output']!), dInput: part(all['dInput']!) },
            `rows ${first} … ${first + size - 1} of ${rows} alone`,
          );
        }
      }
    });
  });
  return { ...theCase, guarantee: 'batch' };
}

function nonFiniteCase(name: string, value: number, sketch: NormSketch): BehaviorCase {
  const theCase = normCase(`nonfinite/${name}`, sketch, async ({ backend, setting }) => {
    const { inputs } = setting;
    const { width } = setting.problem;
    await withOperation(backend, setting, async (kernel) => {
      const { output: clean } = await kernel.run(inputs);
      const input = structuredClone(inputs.input);
      input.data[4 * width + 2] = value;
      const { output } = await kernel.run({ ...inputs, input });
      const row = output.data.subarray(4 * width, 5 * width);
      // Infinity over infinity is NaN; the others of its row are 0.
      const isWhole = Number.isNaN(value) || setting.problem.kind === 'layer';
      const isSpoiled = isWhole ? row.every(Number.isNaN) : Number.isNaN(row[2]);
      ensure(isSpoiled, `${value} in a row leaves numbers in its output`);
      output.data.set(clean.data.subarray(4 * width, 5 * width), 4 * width);
      ensureSameBits({ output }, { output: clean }, `rows beside one with ${value}`);
    });
  });
  return { ...theCase, guarantee: 'nonfinite' };
}

export function normPromiseCases(): BehaviorCase[] {
  const sketches = Object.entries(SKETCHES);
  const usual = { ...LAYER, width: 21, rows: [11] };
  return [
    ...sketches.map(([name, sketch]) => batchCase(name, sketch)),
    ...sketches.map(([name, sketch]) => ({
      ...normCase(`repeat/${name}`, sketch, checkRepeat),
      guarantee: 'repeat' as const,
    })),
    ...(['layer', 'rms'] as const).flatMap((kind) => [
      nonFiniteCase(`${kind}/nan`, NaN, { ...usual, kind }),
      nonFiniteCase(`${kind}/infinity`, Infinity, { ...usual, kind }),
    ]),
    normCase('inputs', usual, checkInputs),
  ];
}
