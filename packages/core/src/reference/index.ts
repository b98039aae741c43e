import { defineBackend } from '../backend/define.ts';
import { rowSumFrom } from '../backend/statistics.ts';
import { type BackendProvider, CONTRACT_VERSION } from '../contract.ts';
import { FEATURES, GUARANTEES } from '../features.ts';
import type { Statistics } from '../inputs.ts';
import { checkOptions } from '../options/check-options.ts';
import type { AttentionProblem } from '../problem.ts';
import type { AttentionGradients, AttentionResults } from '../results.ts';
import { cast, computeDType, gradientDType } from '../float16.ts';
import type { ComputeDType, FloatDType, Tensor } from '../tensor.ts';
import type { LinearGradients, LinearParameters } from '../linear/contract.ts';
import { STORED_TYPES } from '../linear/stored.ts';
import { referenceForward } from './forward.ts';
import { referenceGradient } from './gradient.ts';
import { referenceLinear, referenceLinearArgument, referenceLinearGradient } from './linear.ts';
import { addOnHost, plainViews } from '../backend/operations/host-views.ts';
import { referenceElementDropout } from './element-dropout.ts';
import { referenceEmbedding, referenceEmbeddingGradient } from './embedding.ts';
import { referenceNorm, referenceNormGradient } from './norm.ts';
import { referenceOperations } from './operations.ts';
import { referenceRotary } from './rotary.ts';

export {
  referenceElementDropout,
  referenceEmbedding,
  referenceEmbeddingGradient,
  referenceForward,
  referenceGradient,
  referenceLinear,
  referenceLinearArgument,
  referenceLinearGradient,
  referenceNorm,
  referenceNormGradient,
  referenceRotary,
};

/**
 * The float64 reference as a backend: every clause, every guarantee, slow. The conformance suite compares with it, and
 * it is a backend to debug against. Results are rounded once, to the problem's dtype.
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
      capabilities: {
        dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
        features: FEATURES,
        guarantees: GUARANTEES,
        partGradients: true,
      },
      linear: {
        weightTypes: STORED_TYPES,
        gates: true,
        arguments: true,
        add: addOnHost(plainViews),
        compile: (problem) => ({
          pack: (parameters) => structuredClone(parameters),
          packStored: (parameters) => structuredClone(parameters) as unknown as LinearParameters<Tensor>,
          run: (input, weights: LinearParameters<Tensor>) =>
            cast(referenceLinear(problem, weights, input), problem.dtype),
          runWithArgument: (input, weights: LinearParameters<Tensor>) => ({
            output: cast(referenceLinear(problem, weights, input), problem.dtype),
            argument: cast(referenceLinearArgument(problem, weights, input), problem.dtype),
          }),
          async gradient(input, weights: LinearParameters<Tensor>, dOutput, _, __, argument) {
            const gradients = await referenceLinearGradient(problem, weights, input, dOutput, argument);
            return castAll(gradients, () => problem.dtype) as unknown as LinearGradients<Tensor>;
          },
        }),
      },
      operations: referenceOperations,
      compile: (problem) => ({
        plan: {
          algorithm: 'row by row, float64',
          tile: { query: 1, key: problem.keyLength },
          scratchBytes: 5 * 8 * problem.keyLength,
        },
        run: (inputs) => roundForward(problem, referenceForward(problem, inputs)),
        gradient: (inputs, { dOutput, output, isPart = false }) => {
          return castAll(referenceGradient(problem, inputs, dOutput, isPart ? output : null), (name) =>
            gradientDType(problem, name),
          ) as unknown as AttentionGradients;
        },
      }),
    });
  },
};
export default reference;

function castAll(values: object, typeOf: (name: string) => FloatDType): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, cast(value as Tensor, typeOf(name))]),
  );
}

function roundForward(problem: AttentionProblem, all: ReturnType<typeof referenceForward>): AttentionResults {
  const scores = computeDType(problem.dtype);
  const rounded = {
    output: cast(all.output, problem.dtype),
    weights: cast(all.weights, problem.dtype),
    logSumExp: cast(all.logSumExp, scores),
    statistics: roundStatistics(scores, all.statistics),
    choice: all.choice,
  };
  return Object.fromEntries(problem.outputs.map((name) => [name, rounded[name]]));
}

/** Rounds statistics; the row sum is relative to the rounded row maximum: SPEC.md, clause `statistics`. */
function roundStatistics(dtype: ComputeDType, exact: Statistics): Statistics {
  const rowMax = cast(exact.rowMax, dtype);
  const rowSum = exact.rowSum.data.map((sum, row) =>
    rowSumFrom(sum, exact.rowMax.data[row]!, rowMax.data[row]!),
  ) as Float64Array;
  return { rowMax, rowSum: cast({ dtype: 'float64', shape: exact.rowSum.shape, data: rowSum }, dtype) };
}
