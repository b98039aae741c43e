import type { BehaviorCase } from '../../../case.ts';
import { elementDropoutFault } from '../../../judge/element-dropout.ts';
import { ensure } from '../../building/behavior.ts';
import { everything, withOperation } from '../kernel.ts';
import { type ElementDropoutSketch, elementDropoutCase } from './sketch.ts';

const SHAPES: Readonly<Record<string, ElementDropoutSketch>> = {
  usual: { probability: 0.1, shape: [4, 30] },
  half: { probability: 0.5, shape: [2, 3, 17] },
  'nearly-all': { probability: 0.97, shape: [5, 40] },
  none: { probability: 0, shape: [3, 5] },
  'a-single-element': { probability: 0.5, shape: [] },
  'no-elements': { probability: 0.5, shape: [2, 0] },
  'behind-a-block': { probability: 0.4, shape: [4099] },
  'many-elements': { probability: 0.3, shape: [70, 350] },
  'a-large-seed': { probability: 0.5, shape: [101], seed: 2 ** 53 - 1 },
  'a-seed-of-33-bits': { probability: 0.5, shape: [101], seed: 2 ** 32 + 5 },
  'another-stream': { probability: 0.5, shape: [101], stream: 3 },
  'the-last-stream': { probability: 0.5, shape: [101], seed: 0, stream: 2 ** 32 - 1 },
  'a-threshold-beside-a-word': { probability: 0.1 + 2 ** -40, shape: [900] },
  residual: { probability: 0.5, shape: [3, 35], residual: true },
  'residual/float64': { probability: 0.5, shape: [3, 35], residual: true, dtype: 'float64' },
  float64: { probability: 0.2, shape: [3, 41], dtype: 'float64' },
};

/** Words of Philox4x32-10 for a counter and a key of zeros: the test vector of Random123. */
const KNOWN = [
  // [seed, stream, index of the element, its word]
  [0, 0, 0, 0x6627e8d5],
  [0, 0, 1, 0xe169c58d],
  [0, 0, 2, 0xbc57ac4c],
  [0, 0, 3, 0x9b00dbd8],
] as const;

function value(name: string, sketch: ElementDropoutSketch): BehaviorCase {
  return elementDropoutCase(`values/${name}`, sketch, async ({ backend, setting }) => {
    const { output } = await withOperation(backend, setting, (kernel) => kernel.run(setting.inputs));
    const fault = elementDropoutFault(setting.problem, setting.inputs, output);
    ensure(fault === null, fault ?? '');
  });
}

function gradient(name: string, sketch: ElementDropoutSketch): BehaviorCase {
  return elementDropoutCase(
    `gradient/${name}`,
    { ...sketch, gradient: true },
    async ({ backend, setting }) => {
      const { problem, inputs, forward } = setting;
      const results = await withOperation(backend, setting, (kernel) => everything(kernel, setting));
      const names = Object.keys(results).join();
      ensure(names === 'output,dInput', `results are ${names}; expected output and dInput`);
      const { residual: _, ...source } = inputs;
      const given = { ...source, input: forward.dOutput };
      const fault = elementDropoutFault(problem, given, results['dInput']!, 'dInput');
      ensure(fault === null, fault ?? '');
    },
  );
}

export function elementDropoutValueCases(): BehaviorCase[] {
  const sketches = Object.entries(SHAPES);
  return [
    ...sketches.map(([name, sketch]) => value(name, sketch)),
    ...KNOWN.map(([seed, stream, index, word]) =>
      elementDropoutCase(
        `known-words/${index}`,
        { probability: 0.5, shape: [4], seed, stream },
        async ({ backend, setting }) => {
          const kept = async (probability: number): Promise<boolean> => {
            const problem = { ...setting.problem, probability };
            const { output } = await withOperation(backend, { ...setting, problem }, (kernel) =>
              kernel.run(setting.inputs),
            );
            return output.data[index] !== 0;
          };
          ensure(await kept(word / 2 ** 32), `a word equal to the threshold, ${word}, was dropped`);
          ensure(!(await kept((word + 1) / 2 ** 32)), `a word below the threshold, ${word}, was kept`);
        },
      ),
    ),
    ...sketches.map(([name, sketch]) => gradient(name, sketch)),
    elementDropoutCase('dropped/strange', { probability: 0.5, shape: [60] }, async ({ backend, setting }) => {
      await withOperation(backend, setting, async (kernel) => {
        const { output: clean } = await kernel.run(setting.inputs);
        const input = structuredClone(setting.inputs.input);
        const strange = [NaN, Infinity, -Infinity, -1];
        clean.data.forEach((x, n) => {
          if (x === 0) input.data[n] = strange[n % strange.length]!;
        });
        const { output } = await kernel.run({ ...setting.inputs, input });
        const wrong = output.data.findIndex((x, n) => !Object.is(x, clean.data[n]));
        ensure(
          wrong === -1,
          `element ${wrong} is ${output.data[wrong]} where ${input.data[wrong]} was dropped; expected 0`,
        );
      });
    }),
  ];
}
