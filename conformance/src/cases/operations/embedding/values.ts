import type { BehaviorCase } from '../../../case.ts';
import { embeddingFault, embeddingGradientFault } from '../../../judge/embedding.ts';
import { ensure } from '../../building/behavior.ts';
import { everything, withOperation } from '../kernel.ts';
import { type EmbeddingSketch, embeddingCase } from './sketch.ts';

const SHAPES: Readonly<Record<string, EmbeddingSketch>> = {
  'one-row': { count: 1, width: 3, places: [4] },
  'one-place': { count: 50, width: 24, places: [1, 1] },
  'a-single-index': { count: 9, width: 5, places: [] },
  'behind-a-vector': { count: 13, width: 19, places: [3, 4] },
  'many-places': { count: 30, width: 12, places: [4, 90] },
  'many-rows': { count: 2000, width: 7, places: [40] },
  'many-axes': { count: 11, width: 4, places: [2, 3, 1, 5] },
  padding: { count: 8, width: 10, places: [3, 20], padding: 0.4 },
  'only-padding': { count: 8, width: 10, places: [3], padding: 1 },
  'no-places': { count: 8, width: 10, places: [2, 0] },
  float64: { count: 14, width: 21, places: [30], dtype: 'float64' },
};

function value(name: string, sketch: EmbeddingSketch): BehaviorCase {
  return embeddingCase(`values/${name}`, sketch, async ({ backend, setting }) => {
    const { output } = await withOperation(backend, setting, (kernel) => kernel.run(setting.inputs));
    const fault = embeddingFault(setting.problem, setting.inputs, output);
    ensure(fault === null, fault ?? '');
  });
}

function gradient(name: string, sketch: EmbeddingSketch): BehaviorCase {
  return embeddingCase(`gradient/${name}`, { ...sketch, gradient: true }, async ({ backend, setting }) => {
    const { problem, inputs, forward } = setting;
    const results = await withOperation(backend, setting, (kernel) => everything(kernel, setting));
    const names = Object.keys(results).join();
    ensure(names === 'output,dWeight', `results are ${names}; expected output and dWeight`);
    const fault = embeddingGradientFault(problem, inputs.indices, forward.dOutput, results['dWeight']!);
    ensure(fault === null, fault ?? '');
  });
}

export function embeddingValueCases(): BehaviorCase[] {
  return [
    ...Object.entries(SHAPES).map(([name, sketch]) => value(name, sketch)),
    // Each number is copied, whatever it is.
    embeddingCase('values/strange', { count: 6, width: 7, places: [2, 9] }, async ({ backend, setting }) => {
      const { data } = setting.inputs.weight;
      const strange = [NaN, Infinity, -Infinity, -0, 0, 2 ** -149, 1 + 2 ** -23];
      for (let n = 0; n < data.length; n += 3) data[n] = strange[(n / 3) % strange.length]!;
      const { output } = await withOperation(backend, setting, (kernel) => kernel.run(setting.inputs));
      const fault = embeddingFault(setting.problem, setting.inputs, output);
      ensure(fault === null, fault ?? '');
    }),
    ...Object.entries(SHAPES).map(([name, sketch]) => gradient(name, sketch)),
    gradient('one-index', { count: 5, width: 6, places: [900], used: 1 }),
    gradient('long-sums', { count: 3, width: 5, places: [2500], mean: 8 }),
    // Padding may hold anything.
    embeddingCase(
      'padding',
      { count: 8, width: 10, places: [3, 20], padding: 0.4, gradient: true },
      async ({ backend, setting }) => {
        const { problem, inputs, forward } = setting;
        const { width } = problem;
        const spoiled = structuredClone(forward);
        inputs.indices.data.forEach((index, place) => {
          if (index === -1) spoiled.dOutput.data.fill(NaN, place * width, (place + 1) * width);
        });
        const { dWeight } = await withOperation(backend, setting, (kernel) =>
          everything(kernel, { ...setting, forward: spoiled }),
        );
        const fault = embeddingGradientFault(problem, inputs.indices, forward.dOutput, dWeight!);
        ensure(fault === null, `with NaN at padding: ${fault}`);
      },
    ),
  ];
}
