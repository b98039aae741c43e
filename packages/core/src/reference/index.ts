import { defineBackend } from '../backend/define.ts';
import { rowSumFrom } from '../backend/statistics.ts';
import { type BackendProvider, CONTRACT_VERSION } from '../contract.ts';
import { FEATURES, GUARANTEES } from '../features.ts';
import type { Statistics } from '../inputs.ts';
import { checkOptions } from '../options/check-options.ts';
import type { AttentionProblem } from '../problem.ts';
import type { AttentionGradients, AttentionResults } from '../results.ts';
import type { FloatDType, Tensor } from '../tensor.ts';
import type { LinearGradients, LinearParameters } from '../linear/contract.ts';
import { referenceForward } from './forward.ts';
import { referenceGradient } from './gradient.ts';
import { referenceLinear, referenceLinearGradient } from './linear.ts';

export { referenceForward, referenceGradient, referenceLinear, referenceLinearGradient };

/**
 * The float64 reference as a backend: every clause, every guarantee, slow. It is what the conformance suite compares
 * with, and a backend to debug against. Results are rounded once, to the problem's dtype.
 */
const reference: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: 'reference',
  probe: async () => ({ available: true }),
  create: async (options: unknown = {}) => {
    checkOptions('reference.create()', options, {});
    return defineBackend({
      name: 'reference',
      device: 'JavaScript float64, one thread',
      capabilities: { dtypes: ['float32', 'float64'], features: FEATURES, guarantees: GUARANTEES },
      linear: {
        compile: (problem) => ({
          pack: (parameters) => structuredClone(parameters),
          run: (input, weights: LinearParameters<Tensor>) =>
            round(problem, referenceLinear(problem, weights, input)),
          async gradient(input, weights: LinearParameters<Tensor>, dOutput) {
            const gradients = await referenceLinearGradient(problem, weights, input, dOutput);
            return roundAll(problem, gradients) as unknown as LinearGradients<Tensor>;
          },
        }),
      },
      compile: (problem) => ({
        plan: {
          algorithm: 'row by row, float64',
          tile: { query: 1, key: problem.keyLength },
          scratchBytes: 5 * 8 * problem.keyLength,
        },
        run: (inputs) => roundForward(problem, referenceForward(problem, inputs)),
        gradient: (inputs, { dOutput }) => {
          return roundAll(
            problem,
            referenceGradient(problem, inputs, dOutput),
          ) as unknown as AttentionGradients;
        },
      }),
    });
  },
};
export default reference;

function roundAll(problem: { readonly dtype: FloatDType }, values: object): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, round(problem, value as Tensor)]),
  );
}

function round(problem: { readonly dtype: FloatDType }, value: Tensor): Tensor {
  return problem.dtype === 'float64' || value.dtype !== 'float64'
    ? value
    : { dtype: 'float32', shape: value.shape, data: Float32Array.from(value.data) };
}

function roundForward(problem: AttentionProblem, all: ReturnType<typeof referenceForward>): AttentionResults {
  const rounded = {
    output: round(problem, all.output),
    weights: round(problem, all.weights),
    logSumExp: round(problem, all.logSumExp),
    statistics: roundStatistics(problem, all.statistics),
    choice: all.choice,
  };
  return Object.fromEntries(problem.outputs.map((name) => [name, rounded[name]]));
}

/** The row sum counts from the rounded row maximum: SPEC.md, clause `statistics`. */
function roundStatistics(problem: AttentionProblem, exact: Statistics): Statistics {
  const rowMax = round(problem, exact.rowMax);
  const rowSum = exact.rowSum.data.map((sum, row) =>
    rowSumFrom(sum, exact.rowMax.data[row]!, rowMax.data[row]!),
  ) as Float64Array;
  return { rowMax, rowSum: round(problem, { dtype: 'float64', shape: exact.rowSum.shape, data: rowSum }) };
}
