import type { RotaryProblem, RotaryTables, Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { type RotaryKernelDefinition, rotateHere } from '@heed/core/operations';
import type { Mutant } from './mutant.ts';

type Problem = Required<RotaryProblem>;

function rotary(
  wrap: (right: RotaryKernelDefinition, problem: Problem) => Partial<RotaryKernelDefinition>,
): Mutant {
  return {
    clause: 'rotary',
    overrides: { rotary: (right, problem) => ({ ...right, ...wrap(right, problem) }) },
  };
}

/** Changes the output. */
function changed(change: (output: Tensor, input: Tensor, problem: Problem) => void): Mutant {
  return rotary((right, problem) => ({
    async run(inputs, options) {
      const output = await right.run(inputs, options);
      change(output, inputs.input, problem);
      return output;
    },
  }));
}

/** Changes dInput. */
function changedGradient(change: (dInput: Tensor, problem: Problem) => void): Mutant {
  return rotary((right, problem) => ({
    async gradient(tables, forward, options) {
      const gradients = await right.gradient!(tables, forward, options);
      change(gradients.dInput, problem);
      return gradients;
    },
  }));
}

/** Computes with other tables, or another problem. */
function instead(
  tablesOf: (tables: RotaryTables<Tensor>) => RotaryTables<Tensor>,
  problemOf: (problem: Problem) => Problem = (problem) => problem,
): Mutant {
  return rotary((_, problem) => ({
    run: ({ input, ...tables }) => rotateHere(problemOf(problem), { input, ...tablesOf(tables) }),
    gradient: (tables, { dOutput }) => ({
      dInput: rotateHere(problemOf(problem), { input: dOutput, ...tablesOf(tables) }, -1),
    }),
  }));
}

const mapped = (tensor: Tensor, change: (number: number, n: number) => number): Tensor =>
  ({ ...tensor, data: (tensor.data as Float64Array).map(change) }) as Tensor;

/** Backends with one fault each in the operation `rotary`. */
export const ROTARY_MUTANTS: Readonly<Record<string, Mutant>> = {
  'rotary: halves for neighbors': instead(
    (tables) => tables,
    (problem) => ({ ...problem, interleaved: false }),
  ),
  'rotary: neighbors for halves': instead(
    (tables) => tables,
    (problem) => ({ ...problem, interleaved: true }),
  ),
  'rotary: the other way round': instead(({ cosines, sines }) => ({
    cosines,
    sines: mapped(sines, (s) => -s),
  })),
  'rotary: the gradient is rotated forward': rotary((_, problem) => ({
    gradient: (tables, { dOutput }) => ({ dInput: rotateHere(problem, { ...tables, input: dOutput }) }),
  })),
  'rotary: the gradient is over the length of the angles': rotary((right) => ({
    async gradient(tables, forward, options) {
      const { cosines, sines } = tables;
      const over = (table: Tensor): Tensor =>
        mapped(table, (x, n) => x / (cosines.data[n]! ** 2 + sines.data[n]! ** 2));
      return right.gradient!({ cosines: over(cosines), sines: over(sines) }, forward, options);
    },
  })),
  'rotary: the factor is lost': instead(({ cosines, sines }) => ({
    cosines: mapped(cosines, (c, n) => c / Math.hypot(c, sines.data[n]!)),
    sines: mapped(sines, (s, n) => s / Math.hypot(s, cosines.data[n]!)),
  })),
  'rotary: tables in bfloat16': instead(({ cosines, sines }) => {
    const short = (x: number): number =>
      new Float32Array(Int32Array.of(new Int32Array(Float32Array.of(x).buffer)[0]! & 0xffff0000).buffer)[0]!;
    return { cosines: mapped(cosines, short), sines: mapped(sines, short) };
  }),
  'rotary: sines from cosines': instead(({ cosines, sines }) => ({
    cosines,
    sines: mapped(
      sines,
      (s, n) => Math.sign(s) * Math.sqrt(Math.max(0, 1 - Math.fround(cosines.data[n]! ** 2))),
    ),
  })),
  'rotary: every batch element has the positions of the first': instead((tables) => {
    const [batch = 1, length = 0, angles = 0] = tables.cosines.shape.length === 3 ? tables.cosines.shape : [];
    if (batch < 2) return tables;
    const first = (table: Tensor): Tensor => mapped(table, (_, n) => table.data[n % (length * angles)]!);
    return { cosines: first(tables.cosines), sines: first(tables.sines) };
  }),
  'rotary: the last pair is forgotten': changed(({ data }, input, { headDim, rotaryDim, interleaved }) => {
    const angles = rotaryDim / 2;
    for (let head = 0; head < data.length; head += headDim)
      for (const n of interleaved ? [rotaryDim - 2, rotaryDim - 1] : [angles - 1, rotaryDim - 1])
        data[head + n] = input.data[head + n]!;
  }),
  'rotary: what is not rotated is 0': changed(({ data }, _, { headDim, rotaryDim }) => {
    for (let n = 0; n < data.length; n++) if (n % headDim >= rotaryDim) data[n] = 0;
  }),
  'rotary: what is not rotated has no gradient': changedGradient(({ data }, { headDim, rotaryDim }) => {
    for (let n = 0; n < data.length; n++) if (n % headDim >= rotaryDim) data[n] = 0;
  }),
  'rotary: what is not rotated is multiplied by 1 and added to 0': changed(
    ({ data }, input, { headDim, rotaryDim }) => {
      for (let n = 0; n < data.length; n++) if (n % headDim >= rotaryDim) data[n] = input.data[n]! * 1 + 0;
    },
  ),
  'rotary: NaN becomes 0': changed(({ data }) => data.forEach((x, n) => (data[n] = Number.isNaN(x) ? 0 : x))),
  'rotary: NaN reaches the whole head': changed(({ data }, _, { headDim }) => {
    const at = data.findIndex(Number.isNaN);
    if (at !== -1) data.fill(NaN, at - (at % headDim), at - (at % headDim) + headDim);
  }),
  'rotary: another bit in company': changed(({ data, shape }) => {
    if (shape[2]! > 1) data[0]! *= 1 + 2 ** -22;
  }),
  'rotary: another bit at each run': (() => {
    let runs = 0;
    return changed(({ data }) => void (data[0]! *= 1 + runs++ * 2 ** -23));
  })(),
  'rotary: writes to its input': changed((_, input) => void input.data.fill(0, 0, 1)),
  'rotary: the gradient of the first call, again': (() => {
    let first: Tensor | undefined;
    return rotary((right) => ({
      async gradient(tables, forward, options) {
        const gradients = await right.gradient!(tables, forward, options);
        first ??= gradients.dInput;
        const isLike = first.shape.join() === gradients.dInput.shape.join();
        return isLike
          ? { dInput: { ...zeros(first.dtype as 'float32', first.shape), data: first.data } as Tensor }
          : gradients;
      },
    }));
  })(),
};
