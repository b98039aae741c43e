import {
  type AttentionBackend,
  type AttentionProblem,
  type BackendProvider,
  CONTRACT_VERSION,
  type Capabilities,
  FEATURES,
  GUARANTEES,
  type ElementDropoutProblem,
  type EmbeddingProblem,
  type LinearProblem,
  type NormProblem,
  type RotaryProblem,
  type Tensor,
} from '@heed/core';
import {
  type KernelDefinition,
  type OperationOffer,
  STORED_TYPES,
  addOnHost,
  checkOptions,
  defineBackend,
  plainViews,
} from '@heed/core/backend';
import {
  type ElementDropoutKernelDefinition,
  type EmbeddingKernelDefinition,
  type NormKernelDefinition,
  type RotaryKernelDefinition,
  operationsOnHost,
} from '@heed/core/operations';
import { simpleForward } from './simple-forward.ts';
import { simpleGradient } from './simple-gradient.ts';
import { type SimpleLinear, simpleLinear } from './simple-linear.ts';
import { STEPS, type Steps } from './steps.ts';

/** Parts that a test replaces in an otherwise correct backend. */
export interface Overrides {
  /** Arithmetic. */
  readonly steps?: Partial<Steps>;
  /** Declared capabilities. */
  readonly capabilities?: Partial<Capabilities>;
  /** The way in which a kernel is called. */
  readonly kernel?: (right: KernelDefinition, problem: AttentionProblem) => KernelDefinition;
  /** The way in which a linear kernel is called. */
  readonly linear?: (right: SimpleLinear, problem: Required<LinearProblem>) => SimpleLinear;
  /** The way in which residuals are added to results. */
  readonly add?: (result: Tensor, other: Tensor) => void;
  /** The way in which a norm is called. */
  readonly norm?: (right: NormKernelDefinition, problem: Required<NormProblem>) => NormKernelDefinition;
  /** The way in which a rotary embedding is called. */
  readonly rotary?: (
    right: RotaryKernelDefinition,
    problem: Required<RotaryProblem>,
  ) => RotaryKernelDefinition;
  /** The way in which rows are looked up. */
  readonly embedding?: (
    right: EmbeddingKernelDefinition,
    problem: Required<EmbeddingProblem>,
  ) => EmbeddingKernelDefinition;
  /** The way in which elements are dropped. */
  readonly elementDropout?: (
    right: ElementDropoutKernelDefinition,
    problem: Required<ElementDropoutProblem>,
  ) => ElementDropoutKernelDefinition;
  /** Everything else. */
  readonly backend?: (right: AttentionBackend) => AttentionBackend;
  readonly provider?: (right: BackendProvider) => BackendProvider;
}

/** An operation whose kernels are called in another way. */
function changed(
  right: OperationOffer,
  change: ((right: never, problem: never) => object) | undefined,
): OperationOffer {
  if (change === undefined) return right;
  const compile = async (problem: never): Promise<never> =>
    change((await right.compile(problem)) as never, problem) as never;
  return { ...right, compile };
}

/** A backend that is slow, complete and correct, except for the replaced parts. */
export function simpleProvider({
  steps,
  capabilities,
  kernel,
  linear,
  add,
  backend,
  provider,
  ...operations
}: Overrides = {}): BackendProvider {
  const all = { ...STEPS, ...steps };
  const compile = (problem: AttentionProblem): KernelDefinition => {
    const right: KernelDefinition = {
      plan: { algorithm: 'row by row', tile: { query: 1, key: problem.keyLength }, scratchBytes: 0 },
      run: (inputs) => simpleForward(all, problem, inputs),
      gradient: (inputs, forward) => simpleGradient(all, problem, inputs, forward),
    };
    return kernel ? kernel(right, problem) : right;
  };
  const create = (): AttentionBackend =>
    defineBackend({
      name: 'simple',
      device: 'JavaScript',
      capabilities: {
        dtypes: ['float32', 'float64', 'float16', 'bfloat16'],
        features: FEATURES,
        guarantees: GUARANTEES,
        partGradients: true,
        ...capabilities,
      },
      compile,
      linear: {
        weightTypes: capabilities?.weightTypes ?? STORED_TYPES,
        gates: true,
        arguments: true,
        add: add ?? addOnHost(plainViews),
        compile(problem) {
          const right = simpleLinear(problem);
          return linear ? linear(right, problem) : right;
        },
      },
      operations: operationsOnHost(plainViews).map((right) => changed(right, operations[right.name])),
    });
  const right: BackendProvider = {
    contract: CONTRACT_VERSION,
    name: 'simple',
    probe: async () => ({ available: true }),
    create: async (options: unknown = {}) => {
      checkOptions('simple.create()', options, {});
      return backend ? backend(create()) : create();
    },
  };
  return provider ? provider(right) : right;
}
