import type { Tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { BehaviorCase } from '../../../case.ts';
import { ensure } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { checkInputs, checkRepeat, everything, withOperation } from '../kernel.ts';
import { type RotarySetting, type RotarySketch, rotaryCase } from './sketch.ts';

const HALVES = { headDim: 20, rotaryDim: 14, heads: [3, 7, 5], gradient: true } as const;
const SKETCHES: Readonly<Record<string, RotarySketch>> = {
  halves: HALVES,
  interleaved: { ...HALVES, interleaved: true, perBatch: true },
  'many-positions': { ...HALVES, heads: [1, 260, 2], headDim: 34 },
  float64: { ...HALVES, dtype: 'float64' },
};

/** From `first` on, `count` elements along an axis. */
function slice({ dtype, shape, data }: Tensor, axis: number, first: number, count: number): Tensor {
  const inner = sizeOf(shape.slice(axis + 1));
  const all = shape[axis]! * inner;
  const kept = data.filter((_, n) => {
    const at = Math.floor((n % all) / inner);
    return at >= first && at < first + count;
  });
  return { dtype, shape: shape.map((length, n) => (n === axis ? count : length)), data: kept } as Tensor;
}

/** Some batch elements, positions or heads of a setting. */
function part(setting: RotarySetting, axis: 0 | 1 | 2, first: number, count: number): RotarySetting {
  const { input, cosines, sines } = setting.inputs;
  const ofTable = (table: Tensor): Tensor => {
    const perBatch = table.shape.length === 3;
    if (axis === 2 || (axis === 0 && !perBatch)) return table;
    return slice(table, perBatch ? axis : 0, first, count);
  };
  return {
    ...setting,
    inputs: { input: slice(input, axis, first, count), cosines: ofTable(cosines), sines: ofTable(sines) },
    forward: { dOutput: slice(setting.forward.dOutput, axis, first, count) },
  };
}

function batchCase(name: string, sketch: RotarySketch): BehaviorCase {
  const theCase = rotaryCase(`batch/${name}`, sketch, async ({ backend, setting }) => {
    await withOperation(backend, setting, async (kernel) => {
      const all = await everything(kernel, setting);
      for (const axis of [0, 1, 2] as const) {
        const length = setting.inputs.input.shape[axis]!;
        for (const first of new Set([0, length - 1])) {
          const alone = await everything(kernel, part(setting, axis, first, 1));
          const expected = Object.entries(all).map(([key, tensor]) => [key, slice(tensor, axis, first, 1)]);
          const what = `element ${first} of axis ${axis} alone`;
          ensureSameBits(alone, Object.fromEntries(expected) as typeof all, what);
        }
      }
    });
  });
  return { ...theCase, guarantee: 'batch' };
}

/** One number of a head, its pair, and everything else. */
function nonFiniteCase(name: string, value: number, sketch: RotarySketch): BehaviorCase {
  const theCase = rotaryCase(`nonfinite/${name}`, sketch, async ({ backend, setting }) => {
    const { headDim, rotaryDim, interleaved } = setting.problem;
    await withOperation(backend, setting, async (kernel) => {
      const { output: clean } = await kernel.run(setting.inputs);
      for (const n of [0, rotaryDim / 2 - 1, rotaryDim - 1]) {
        const input = structuredClone(setting.inputs.input);
        const head = 7 * headDim;
        input.data[head + n] = value;
        const { output } = await kernel.run({ ...setting.inputs, input });
        const other = interleaved ? n ^ 1 : (n + rotaryDim / 2) % rotaryDim;
        for (const place of [head + n, head + other]) {
          ensure(
            !Number.isFinite(output.data[place]!),
            `${value} in a number of a pair leaves ${output.data[place]}`,
          );
          output.data[place] = clean.data[place]!;
        }
        ensureSameBits({ output }, { output: clean }, `numbers beside a pair with ${value}`);
      }
    });
  });
  return { ...theCase, guarantee: 'nonfinite' };
}

export function rotaryPromiseCases(): BehaviorCase[] {
  const sketches = Object.entries(SKETCHES);
  return [
    ...sketches.map(([name, sketch]) => batchCase(name, sketch)),
    ...sketches.map(([name, sketch]) => ({
      ...rotaryCase(`repeat/${name}`, sketch, checkRepeat),
      guarantee: 'repeat' as const,
    })),
    ...[false, true].flatMap((interleaved) => {
      const kind = interleaved ? 'interleaved' : 'halves';
      return [
        nonFiniteCase(`${kind}/nan`, NaN, { ...HALVES, interleaved }),
        nonFiniteCase(`${kind}/infinity`, Infinity, { ...HALVES, interleaved }),
      ];
    }),
    rotaryCase('inputs', HALVES, checkInputs),
  ];
}
