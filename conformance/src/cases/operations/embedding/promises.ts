import { type Tensor, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { ensure } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { rowsOf } from '../linear/rows.ts';
import { checkInputs, checkRepeat, everything, withOperation } from '../kernel.ts';
import { type EmbeddingSetting, type EmbeddingSketch, embeddingCase } from './sketch.ts';

const USUAL = { count: 6, width: 21, places: [70], padding: 0.1, gradient: true } as const;
const SKETCHES: Readonly<Record<string, EmbeddingSketch>> = {
  usual: USUAL,
  'many-places': { ...USUAL, count: 40, width: 33, places: [1200] },
  float64: { ...USUAL, dtype: 'float64' },
};

/** The places that hold an index alone, in their order. */
function placesOf(setting: EmbeddingSetting, index: number): EmbeddingSetting {
  const { inputs, forward, problem } = setting;
  const places = [...inputs.indices.data.keys()].filter((place) => inputs.indices.data[place] === index);
  const shape = [places.length, problem.width];
  const data = places.flatMap((place) => [...rowsOf(forward.dOutput, place, place + 1).data]);
  const dOutput = { dtype: problem.dtype, shape, data: forward.dOutput.data.slice(0, data.length) } as Tensor;
  dOutput.data.set(data);
  const indices = tensor(new Int32Array(places.length).fill(index), [places.length]);
  return { ...setting, inputs: { ...inputs, indices }, forward: { dOutput } };
}

function batchCase(name: string, sketch: EmbeddingSketch): BehaviorCase {
  const theCase = embeddingCase(`batch/${name}`, sketch, async ({ backend, setting }) => {
    await withOperation(backend, setting, async (kernel) => {
      const { dWeight: all } = await everything(kernel, setting);
      for (const index of [0, 1, setting.problem.count - 1]) {
        const { dWeight } = await everything(kernel, placesOf(setting, index));
        const row = (dWeights: Tensor): Tensor => rowsOf(dWeights, index, index + 1);
        ensureSameBits({ dWeight: row(dWeight!) }, { dWeight: row(all!) }, `the places of ${index} alone`);
      }
    });
  });
  return { ...theCase, guarantee: 'batch' };
}

function nonFiniteCase(name: string, value: number): BehaviorCase {
  const theCase = embeddingCase(`nonfinite/${name}`, USUAL, async ({ backend, setting }) => {
    const { width } = setting.problem;
    const place = setting.inputs.indices.data.findIndex((index) => index !== -1);
    const index = setting.inputs.indices.data[place]!;
    await withOperation(backend, setting, async (kernel) => {
      const { dWeight: clean } = await everything(kernel, setting);
      const spoiled = structuredClone(setting.forward);
      spoiled.dOutput.data[place * width + 2] = value;
      const { dWeight } = await everything(kernel, { ...setting, forward: spoiled });
      const at = index * width + 2;
      ensure(!Number.isFinite(dWeight!.data[at]!), `${value} in dOutput leaves ${dWeight!.data[at]}`);
      dWeight!.data[at] = clean!.data[at]!;
      ensureSameBits({ dWeight: dWeight! }, { dWeight: clean! }, `sums beside one with ${value}`);
    });
  });
  return { ...theCase, guarantee: 'nonfinite' };
}

export function embeddingPromiseCases(): BehaviorCase[] {
  const sketches = Object.entries(SKETCHES);
  return [
    ...sketches.map(([name, sketch]) => batchCase(name, sketch)),
    ...sketches.map(([name, sketch]) => ({
      ...embeddingCase(`repeat/${name}`, sketch, checkRepeat),
      guarantee: 'repeat' as const,
    })),
    nonFiniteCase('nan', NaN),
    nonFiniteCase('infinity', Infinity),
    embeddingCase('inputs', USUAL, checkInputs),
  ];
}
