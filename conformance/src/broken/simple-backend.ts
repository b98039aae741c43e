import {
  type AttentionBackend,
  type AttentionProblem,
  type BackendProvider,
  CONTRACT_VERSION,
  type Capabilities,
  FEATURES,
  GUARANTEES,
  type LinearProblem,
  type NormProblem,
  type Tensor,
} from '@heed/core';
import {
  type KernelDefinition,
  type NormKernelDefinition,
  STORED_TYPES,
  addOnHost,
  checkOptions,
  defineBackend,
  operationsOnHost,
  plainViews,
} from '@heed/core/backend';
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
  /** Everything else. */
  readonly backend?: (right: AttentionBackend) => AttentionBackend;
  readonly provider?: (right: BackendProvider) => BackendProvider;
}

/** A backend that is slow, complete and correct, except for the replaced parts. */
export function simpleProvider({
  steps,
  capabilities,
  kernel,
  linear,
  add,
  norm,
  backend,
  provider,
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
        add: add ?? addOnHost(plainViews),
        compile(problem) {
          const right = simpleLinear(problem);
          return linear ? linear(right, problem) : right;
        },
      },
      norm: {
        async compile(problem) {
          const right = await operationsOnHost(plainViews).norm!.compile(problem);
          return norm ? norm(right, problem) : right;
        },
      },
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
