/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The contract between Heed and the engines that compute attention.
 *
 * A backend IS: a provider value that reports whether its engine can run here; a factory of backends; for each problem
 * it supports, a kernel that computes every output the problem names, as SPEC.md defines it; and, optionally, the
 * operations around attention in a layer, so that tensors need not leave the engine.
 *
 * A backend is NOT: a tensor library (the operations are a closed list, `OPERATIONS`, each with a clause, a gradient
 * and a routine of `@heed/layers` for backends without it), a place that silently chooses another device or algorithm,
 * or something that registers itself: importing one has no effect until it is passed in.
 */
import type { Feature, Guarantee, Operation } from './features.ts';
import type { AttentionInputs, GradientInputs } from './inputs.ts';
import type { LinearOperation } from './linear/contract.ts';
import type { ElementDropoutOperation } from './operations/element-dropout/contract.ts';
import type { EmbeddingOperation } from './operations/embedding/contract.ts';
import type { NormOperation } from './operations/norm/contract.ts';
import type { RotaryOperation } from './operations/rotary/contract.ts';
import type { StoredType } from './linear/stored.ts';
import type { AttentionProblem } from './problem.ts';
import type { RunOptions } from './run-options.ts';
import type { DType, FloatDType, PlainTensorLike, ResidentTensor, Tensor } from './tensor.ts';
import type { AttentionGradients, AttentionResults } from './results.ts';
import type { DTypeOf } from './tensor-like.ts';

/** Version of the contract that this core supports. */
export const CONTRACT_VERSION = 1;

/** Availability of an engine: if it cannot run here, the reason and the remedy. */
export type Availability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

/** Support of a backend for a problem: if it has none, the clause that it lacks. */
export type Support =
  | { readonly supported: true }
  | { readonly supported: false; readonly clause: string; readonly reason: string };

/** Features and guarantees of a backend: frozen plain data, declared once. */
export interface Capabilities {
  readonly dtypes: readonly FloatDType[];
  readonly features: readonly Feature[];
  readonly guarantees: readonly Guarantee[];
  /**
   * True if the backend computes gradients of a part of the keys, `isPart` of {@link GradientInputs}, in its dtypes that
   * are not of 16 bits. Default false.
   */
  readonly partGradients?: boolean;
  /** Operations that the backend offers besides attention. Default: none. */
  readonly operations?: readonly Operation[];
  /** Types of the weights that `linear` takes besides `dtypes`. Default: none. */
  readonly weightTypes?: readonly StoredType[];
}

/** Algorithm, tiles and memory of a kernel: for reports, not for decisions. */
export interface Plan {
  /** Such as `flash, float64 tiles`. */
  readonly algorithm: string;
  /** Rows of queries and of keys that a kernel processes together. */
  readonly tile: { readonly query: number; readonly key: number };
  /** Working memory besides inputs and outputs, in bytes. */
  readonly scratchBytes: number;
  /** Time, bytes and counts of the kernel's last run, by a backend that measures them; null before the first. */
  readonly lastRun?: Readonly<Record<string, number>> | null;
}

/**
 * The default export of a backend package.
 *
 * @typeParam Options what `create` takes; each package has its own.
 */
export interface BackendProvider<Options = unknown> {
  /** Version of the contract that the provider supports. */
  readonly contract: typeof CONTRACT_VERSION;
  /** Such as `wasm`. */
  readonly name: string;
  /** Never throws and has no lasting effect. */
  probe(): Promise<Availability>;
  /**
   * @throws HeedError `UNAVAILABLE` with the reason of `probe` if the engine cannot run; `UNKNOWN_OPTION` for an option
   * that does not exist, and `ARGUMENT` for a value that one does not take: see `checkOptions` of `@heed/core/backend`.
   */
  create(options?: Options): Promise<AttentionBackend>;
}

/**
 * An engine that computes attention, ready to use: made by the `create` of its provider, ended by `dispose`. The problem is compiled
 * once, and its kernel then runs on inputs; `attention()` does both.
 */
export interface AttentionBackend extends AsyncDisposable {
  readonly contract: typeof CONTRACT_VERSION;
  readonly name: string;
  /** The engine that actually runs, not the one asked for: `wasm simd128, 2 threads`. */
  readonly device: string;
  readonly capabilities: Capabilities;
  /** @throws HeedError for what is not a problem, as `compile` does. */
  supports(problem: AttentionProblem): Support;
  /** @throws HeedError `UNSUPPORTED` for what `supports` refuses, with the same clause and reason. */
  compile(problem: AttentionProblem): Promise<AttentionKernel>;
  /**
   * Copies a tensor of int32, bool or a declared float type into the backend's memory. Nested numbers become float32,
   * nested booleans bool.
   */
  upload<T extends PlainTensorLike>(tensor: T): Promise<ResidentTensor<DTypeOf<T>>>;
  /**
   * Makes a tensor of zeros in the backend's memory: a cache to be written, without an array of its size on the host.
   *
   * @throws HeedError `DTYPE` or `SHAPE`; `OUT_OF_MEMORY`.
   */
  allocate<D extends DType>(dtype: D, shape: readonly number[]): Promise<ResidentTensor<D>>;
  /** Linear projections, where the backend offers them: then `capabilities.operations` has `linear`. */
  readonly linear?: LinearOperation;
  /** Norms of rows, where the backend offers them: then `capabilities.operations` has `norm`. */
  readonly norm?: NormOperation;
  /** Rotary position embeddings, where the backend offers them: then `capabilities.operations` has `rotary`. */
  readonly rotary?: RotaryOperation;
  /** Rows of a weight, where the backend offers them: then `capabilities.operations` has `embedding`. */
  readonly embedding?: EmbeddingOperation;
  /** Dropout of elements, where the backend offers it: then `capabilities.operations` has `elementDropout`. */
  readonly elementDropout?: ElementDropoutOperation;
  /**
   * Wraps a tensor of the engine, such as a `tf.Tensor` or a `GPUBuffer`, without a copy. The resident tensor takes
   * ownership: its dispose() frees the tensor.
   */
  wrap?(native: unknown): ResidentTensor;
  /**
   * Returns the engine's tensor of a resident tensor, without a copy. The resident tensor keeps ownership: read the
   * engine's tensor only until the resident one is written or disposed, and do not write or free it. A backend that
   * has `wrap` also has `unwrap`.
   *
   * @throws HeedError `FOREIGN_TENSOR` for a resident tensor of another backend, `DISPOSED` after its dispose().
   */
  unwrap?(resident: ResidentTensor): unknown;
  /** Frees the backend and everything it made. Runs in progress settle first. */
  dispose(): Promise<void>;
}

/**
 * Calls may overlap. Inputs must stay unchanged until the promise settles; a run never writes to them, and its plain
 * results never alias the backend's memory.
 */
export interface AttentionKernel extends AsyncDisposable {
  readonly problem: AttentionProblem;
  readonly plan: Plan;
  run(
    inputs: AttentionInputs,
    options?: RunOptions & { readonly resident?: false },
  ): Promise<AttentionResults<Tensor>>;
  /** With `resident: true` the results stay in the backend's memory; the caller disposes them. */
  run(
    inputs: AttentionInputs,
    options: RunOptions & { readonly resident: true },
  ): Promise<AttentionResults<ResidentTensor>>;
  /**
   * Computes the gradients of soft attention, from the inputs and the results of a forward run.
   *
   * @throws HeedError `NOT_DIFFERENTIABLE` unless the problem was compiled with `gradient: true`.
   */
  gradient(
    inputs: AttentionInputs,
    forward: GradientInputs,
    options?: RunOptions & { readonly resident?: false },
  ): Promise<AttentionGradients<Tensor>>;
  gradient(
    inputs: AttentionInputs,
    forward: GradientInputs,
    options: RunOptions & { readonly resident: true },
  ): Promise<AttentionGradients<ResidentTensor>>;
  /** Frees the kernel. Runs in progress settle first; later ones are refused. */
  dispose(): Promise<void>;
}
