import type { NormForward, NormInputs, NormProblem, Tensor } from '@heed/core';
import { type NormKernelDefinition, normGradientHere, normHere } from '@heed/core/operations';
import type { Mutant } from './mutant.ts';

type Problem = Required<NormProblem>;
type Gradients = Awaited<ReturnType<NonNullable<NormKernelDefinition['gradient']>>>;

function norm(
  wrap: (right: NormKernelDefinition, problem: Problem) => Partial<NormKernelDefinition>,
): Mutant {
  return { clause: 'norm', overrides: { norm: (right, problem) => ({ ...right, ...wrap(right, problem) }) } };
}

/** Changes the output. */
function changed(change: (output: Tensor, inputs: NormInputs<Tensor>) => void): Mutant {
  return norm((right) => ({
    async run(inputs, options) {
      const output = await right.run(inputs, options);
      change(output, inputs);
      return output;
    },
  }));
}

/** Changes the gradients. */
function changedGradients(
  change: (gradients: Gradients, inputs: NormInputs<Tensor>, forward: NormForward<Tensor>) => void,
): Mutant {
  return norm((right) => ({
    async gradient(inputs, forward, options) {
      const gradients = await right.gradient!(inputs, forward, options);
      change(gradients, inputs, forward);
      return gradients;
    },
  }));
}

/** Computes another problem than the requested one. */
function instead(other: (problem: Problem) => Problem): Mutant {
  return norm((_, problem) => ({
    run: (inputs) => normHere(other(problem), inputs),
    gradient: (inputs, forward) => normGradientHere(other(problem), inputs, forward),
  }));
}

const without = ({ input, weight }: NormInputs<Tensor>): NormInputs<Tensor> => ({ input, weight });

/** Backends with one fault each in the operation `norm`. */
export const NORM_MUTANTS: Readonly<Record<string, Mutant>> = {
  'norm: rms for layer': instead((problem) => ({ ...problem, kind: 'rms' })),
  'norm: epsilon is fixed': instead((problem) => ({ ...problem, epsilon: 1e-5 })),
  'norm: no bias': norm((_, problem) => ({ run: (inputs) => normHere(problem, without(inputs)) })),
  'norm: variance by the squares of uncentered numbers': norm((_, problem) => ({
    run(inputs) {
      const output = normHere(problem, inputs);
      const { width, epsilon } = problem;
      const { data } = inputs.input;
      if (problem.kind === 'rms' || problem.dtype === 'float64') return output;
      for (let at = 0; at < data.length; at += width) {
        let [sum, squares] = [0, 0];
        for (let e = 0; e < width; e++) {
          sum = Math.fround(sum + data[at + e]!);
          squares = Math.fround(squares + data[at + e]! ** 2);
        }
        const mean = Math.fround(sum / width);
        const inverse = 1 / Math.sqrt(Math.fround(squares / width) - Math.fround(mean * mean) + epsilon);
        for (let e = 0; e < width; e++)
          output.data[at + e] =
            (data[at + e]! - mean) * inverse * inputs.weight.data[e]! + (inputs.bias?.data[e] ?? 0);
      }
      return output;
    },
  })),
  'norm: deviation over one number less': norm((_, problem) => ({
    run(inputs) {
      const output = normHere(problem, without(inputs));
      const factor = Math.sqrt((problem.width - 1) / problem.width);
      output.data.forEach((x, n) => {
        output.data[n] = x * factor + (inputs.bias?.data[n % problem.width] ?? 0);
      });
      return output;
    },
  })),
  'norm: the numbers after the last vector are forgotten': changed(({ data, shape }) => {
    const width = shape.at(-1)!;
    for (let n = 0; n < data.length; n++) if (n % width >= width - (width % 4)) data[n] = 0;
  }),
  'norm: another bit in company': changed(({ data, shape }) => {
    if (shape.at(-2)! > 4) data[0]! *= 1 + 2 ** -22;
  }),
  'norm: another bit at each run': (() => {
    let runs = 0;
    return changed(({ data }) => void (data[0]! *= 1 + runs++ * 2 ** -23));
  })(),
  'norm: NaN becomes 0': changed(({ data }) => data.forEach((x, n) => (data[n] = Number.isNaN(x) ? 0 : x))),
  'norm: NaN reaches the next row': changed(({ data, shape }) => {
    const at = data.findIndex(Number.isNaN);
    if (at !== -1) data.fill(NaN, at, at + 2 * shape.at(-1)!);
  }),
  'norm: writes to its input': changed((_, { input }) => void input.data.fill(0, 0, 1)),
  'norm: dInput as if mean and deviation were constant': changedGradients(
    ({ dInput }, { input, weight }, { dOutput, dResidual }) => {
      const width = weight.shape[0]!;
      for (let at = 0; at < dInput.data.length; at += width) {
        const row = Array.from(input.data.slice(at, at + width) as Float64Array);
        const mean = row.reduce((a, b) => a + b, 0) / width;
        const r = 1 / Math.sqrt(row.reduce((a, x) => a + (x - mean) ** 2, 0) / width + 1e-5);
        for (let e = 0; e < width; e++)
          dInput.data[at + e] = r * dOutput.data[at + e]! * weight.data[e]! + (dResidual?.data[at + e] ?? 0);
      }
    },
  ),
  'norm: dResidual is forgotten': norm((_, problem) => ({
    gradient: (inputs, { dOutput }) => normGradientHere(problem, inputs, { dOutput }),
  })),
  'norm: dResidual of an ignored row is forgotten': changedGradients(
    ({ dInput }, _, { dOutput, dResidual }) => {
      const width = dInput.shape.at(-1)!;
      for (let at = 0; at < dInput.data.length; at += width)
        if (dResidual && dOutput.data.slice(at, at + width).every((x) => x === 0))
          dInput.data.fill(0, at, at + width);
    },
  ),
  'norm: an ignored row reaches dWeight': changedGradients(({ dWeight }, { input }) => {
    if (input.data.some(Number.isNaN)) dWeight.data.fill(NaN);
  }),
  'norm: dBias of one row': changedGradients(({ dBias }, _, { dOutput }) => {
    if (dBias) dBias.data.set(dOutput.data.slice(0, dBias.data.length) as never);
  }),
  'norm: dWeight forgets the rows after the first block': norm((right, problem) => ({
    async gradient(inputs, forward, options) {
      const gradients = await right.gradient!(inputs, forward, options);
      const count = 256 * problem.width;
      if (inputs.input.data.length <= count) return gradients;
      const part = ({ dtype, data }: Tensor): Tensor =>
        ({ dtype, shape: [256, problem.width], data: data.slice(0, count) }) as Tensor;
      const { dWeight } = normGradientHere(
        problem,
        { ...inputs, input: part(inputs.input) },
        { dOutput: part(forward.dOutput) },
      );
      return { ...gradients, dWeight };
    },
  })),
  'norm: gradients have another bit at each run': (() => {
    let runs = 0;
    return changedGradients(({ dWeight }) => {
      const factor = 1 + (runs++ % 8) * 2 ** -23;
      for (let n = 0; n < dWeight.data.length; n++) dWeight.data[n]! *= factor;
    });
  })(),
};
