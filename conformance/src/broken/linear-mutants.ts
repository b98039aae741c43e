import type { LinearParameters, LinearProblem, Tensor } from '@heed/core';
import { referenceLinear, referenceLinearGradient } from '@heed/core/reference';
import type { Mutant } from './mutant.ts';
import { type SimpleLinear, rounded } from './simple-linear.ts';

function linear(
  wrap: (right: SimpleLinear, problem: Required<LinearProblem>) => Partial<SimpleLinear>,
): Mutant {
  return {
    clause: 'linear',
    overrides: { linear: (right, problem) => ({ ...right, ...wrap(right, problem) }) },
  };
}

/** Changes the output. */
function changed(change: (output: Tensor, input: Tensor) => void): Mutant {
  return linear((right) => ({
    async run(...given) {
      const output = await right.run(...given);
      change(output, given[0]);
      return output;
    },
  }));
}

/** Computes a problem other than the requested one. */
function instead(other: (problem: Required<LinearProblem>) => Required<LinearProblem>): Mutant {
  return linear((_, problem) => ({
    run: (input, weights) => rounded(problem.dtype, referenceLinear(other(problem), weights, input)),
  }));
}

/** Sums in which every step is rounded to this many bits. */
function coarse(bits: number): Mutant {
  const factor = 2 ** (24 - bits) + 1;
  // Veltkamp's splitting: the upper bits of a number.
  const round = (x: number): number => {
    const high = Math.fround(factor * x);
    return Math.fround(high - Math.fround(high - x));
  };
  return linear((right, { activation }) => ({
    run(input, weights, options) {
      if (activation !== null || input.dtype !== 'float32') return right.run(input, weights, options);
      const { weight, bias } = weights;
      const [outputs, inputs] = weight.shape as [number, number];
      const output = rounded(
        'float32',
        referenceLinear({ inputDim: inputs, outputDim: outputs, activation }, weights, input),
      );
      output.data.forEach((_, at) => {
        const [row, n] = [Math.floor(at / outputs), at % outputs];
        let sum = 0;
        for (let k = 0; k < inputs; k++)
          sum = round(sum + input.data[row * inputs + k]! * weight.data[n * inputs + k]!);
        output.data[at] = sum + (bias?.data[n] ?? 0);
      });
      return output;
    },
  }));
}

const none: LinearParameters<Tensor>['bias'] = undefined;

/** Backends with one fault each in the operation `linear`. */
export const LINEAR_MUTANTS: Readonly<Record<string, Mutant>> = {
  'linear: no bias': linear((right) => ({
    run: (input, { weight }, options) => right.run(input, { weight, bias: none }, options),
  })),
  'linear: no activation': instead((problem) => ({ ...problem, activation: null })),
  'linear: gelu by tanh': instead((problem) =>
    problem.activation === 'gelu' ? { ...problem, activation: 'geluTanh' } : problem,
  ),
  'linear: sums of 11 bits': coarse(11),
  'linear: sums of 8 bits': coarse(8),
  'linear: the last column is forgotten': changed(({ data }) => {
    if (data.length > 0) data[data.length - 1] = 0;
  }),
  'linear: weights without a copy': linear(() => ({ pack: (parameters) => parameters })),
  'linear: one place for all weights': linear((right) => {
    let last: LinearParameters<Tensor>;
    return {
      pack: (parameters) => (last = structuredClone(parameters)),
      run: (input, _, options) => right.run(input, last, options),
    };
  }),
  'linear: another bit in company': changed(({ data, shape }) => {
    if (shape.at(-2)! > 4) data[0]! *= 1 + 2 ** -22;
  }),
  'linear: another bit at each run': (() => {
    let runs = 0;
    return changed(({ data }) => void (data[0]! *= 1 + runs++ * 2 ** -23));
  })(),
  'linear: NaN reaches the next row': changed(({ data, shape }) => {
    const width = shape.at(-1)!;
    const at = data.findIndex(Number.isNaN);
    if (at !== -1) data.fill(NaN, at, at + 2 * width);
  }),
  'linear: NaN becomes 0': changed(({ data }) => data.forEach((x, n) => (data[n] = Number.isNaN(x) ? 0 : x))),
  'linear: writes to its input': changed((_, { data }) => void data.fill(0, 0, 1)),
  'linear: gradient without the slope': linear((_, problem) => ({
    async gradient(input, weights, dOutput) {
      const plain = { ...problem, activation: null };
      const gradients = await referenceLinearGradient(plain, weights, input, dOutput);
      return roundedAll(problem, gradients);
    },
  })),
  'linear: dBias of one row': linear((right) => ({
    async gradient(input, weights, dOutput, options) {
      const gradients = await right.gradient!(input, weights, dOutput, options);
      return gradients.dBias === undefined
        ? gradients
        : {
            ...gradients,
            dBias: { ...gradients.dBias, data: dOutput.data.slice(0, weights.weight.shape[0]) } as Tensor,
          };
    },
  })),
  'linear: an ignored row reaches dWeight': linear((right) => ({
    async gradient(input, weights, dOutput, options) {
      const gradients = await right.gradient!(input, weights, dOutput, options);
      if (input.data.some(Number.isNaN)) gradients.dWeight.data.fill(NaN);
      return gradients;
    },
  })),
};

function roundedAll(
  { dtype }: Required<LinearProblem>,
  { dInput, dWeight, dBias }: Awaited<ReturnType<typeof referenceLinearGradient>>,
): Awaited<ReturnType<typeof referenceLinearGradient>> {
  return {
    dInput: rounded(dtype, dInput),
    dWeight: rounded(dtype, dWeight),
    ...(dBias && { dBias: rounded(dtype, dBias) }),
  };
}
