import type { Tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { rotaryFault } from '../../../judge/rotary.ts';
import { ensure } from '../../building/behavior.ts';
import { everything, withOperation } from '../kernel.ts';
import { type RotarySketch, rotaryCase } from './sketch.ts';

const SHAPES: Readonly<Record<string, RotarySketch>> = {
  'one-pair': { headDim: 2 },
  'a-vector': { headDim: 8, heads: [1, 5, 1] },
  'behind-a-vector': { headDim: 22, heads: [2, 3, 3] },
  'one-position': { headDim: 64, heads: [1, 1, 14], last: 1000 },
  'many-positions': { headDim: 32, heads: [2, 67, 3], last: 500 },
  'positions-of-each': { headDim: 16, heads: [3, 5, 2], perBatch: true },
  'far-positions': { headDim: 20, heads: [1, 6, 2], last: 2 ** 20 },
  factor: { headDim: 12, factor: 1.375 },
  partial: { headDim: 24, rotaryDim: 10, heads: [2, 4, 3] },
  'partial/positions-of-each': { headDim: 10, rotaryDim: 4, heads: [2, 4, 3], perBatch: true },
  'partial/odd-head': { headDim: 7, rotaryDim: 6 },
  'no-batch': { headDim: 4, heads: [0, 3, 2], perBatch: true },
  'no-positions': { headDim: 4, heads: [2, 0, 2] },
  'no-heads': { headDim: 4, heads: [2, 3, 0] },
  float64: { headDim: 26, rotaryDim: 22, heads: [2, 5, 2], dtype: 'float64' },
};

function value(name: string, sketch: RotarySketch): BehaviorCase {
  return rotaryCase(name, sketch, async ({ backend, setting }) => {
    const { output } = await withOperation(backend, setting, (kernel) => kernel.run(setting.inputs));
    const fault = rotaryFault(setting.problem, setting.inputs, output);
    ensure(fault === null, fault ?? '');
  });
}

function gradient(name: string, sketch: RotarySketch): BehaviorCase {
  return rotaryCase(name, { ...sketch, gradient: true }, async ({ backend, setting }) => {
    const { problem, inputs, forward } = setting;
    const results = await withOperation(backend, setting, (kernel) => everything(kernel, setting));
    const names = Object.keys(results).join();
    ensure(
      names === 'output,dInput',
      `results are ${names}; expected output and dInput: tables have no gradient`,
    );
    const given = { ...inputs, input: forward.dOutput };
    const fault = rotaryFault(problem, given, results['dInput']!, -1);
    ensure(fault === null, fault ?? '');
  });
}

/** Numbers that are not rotated are copied, whatever they are. */
function rest(name: string, sketch: RotarySketch): BehaviorCase {
  return rotaryCase(name, { ...sketch, gradient: true }, async ({ backend, setting }) => {
    const { headDim, rotaryDim } = setting.problem;
    const strange = [NaN, Infinity, -Infinity, -0, 0, 2 ** -149, 1 + 2 ** -23];
    const spoil = ({ data }: Tensor): void => {
      for (let n = 0; n < data.length; n++)
        if (n % headDim >= rotaryDim) data[n] = strange[n % strange.length]!;
    };
    spoil(setting.inputs.input);
    spoil(setting.forward.dOutput);
    const { output, dInput } = await withOperation(backend, setting, (kernel) => everything(kernel, setting));
    const check = (what: string, actual: Tensor, given: Tensor): void => {
      const wrong = given.data.findIndex(
        (number, n) => n % headDim >= rotaryDim && !Object.is(number, actual.data[n]),
      );
      ensure(
        wrong === -1,
        `${what}: element ${wrong % headDim} of a head, which is not rotated, is ${actual.data[wrong]}; it was ${given.data[wrong]}`,
      );
    };
    check('output', output!, setting.inputs.input);
    check('dInput', dInput!, setting.forward.dOutput);
  });
}

export function rotaryValueCases(): BehaviorCase[] {
  const kinds = { halves: false, interleaved: true };
  return Object.entries(kinds).flatMap(([kind, interleaved]) => [
    ...Object.entries(SHAPES).map(([name, sketch]) =>
      value(`values/${kind}/${name}`, { ...sketch, interleaved }),
    ),
    ...Object.entries(SHAPES).map(([name, sketch]) =>
      gradient(`gradient/${kind}/${name}`, { ...sketch, interleaved }),
    ),
    rest(`rest/${kind}`, { headDim: 19, rotaryDim: 8, heads: [2, 3, 2], interleaved }),
  ]);
}
