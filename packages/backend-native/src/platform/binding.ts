import type { AttentionProblem } from '@heed/core';

/** An object made by the native file. */
type Opaque<Name extends string> = object & { readonly opaque: Name };
export type Team = Opaque<'team'>;
export type CompiledKernel = Opaque<'kernel'>;

/** The order in which the native file takes the tensors of a run. */
export const OPERANDS = [
  'query',
  'key',
  'value',
  'mask',
  'bias',
  'offsets',
  'keyLengths',
  'keyStarts',
  'queryLengths',
  'querySegments',
  'keySegments',
  'alibiSlopes',
  'sinks',
  'blockTable',
  'keyScales',
  'valueScales',
  'output',
  'weights',
  'logSumExp',
  'rowMax',
  'rowSum',
  'choice',
  'dOutput',
  'dQuery',
  'dKey',
  'dValue',
  'dBias',
  'dSinks',
] as const;

/** Activations in the order of the native file. */
export const LINEAR_ACTIVATIONS = [null, 'relu', 'gelu', 'geluTanh', 'silu', 'sigmoid'] as const;

/** Types of linear weights in the order of the native file; the first is that of the computation. */
export const LINEAR_WEIGHTS = [null, 'float16', 'bfloat16', 'q8_0', 'q4_0', 'q4_1'] as const;

/** Runs an operation as `Binding.linear`. Each has numbers and operands of its own. */
type OperationRun = (
  team: Team,
  isDouble: boolean,
  numbers: Float64Array,
  operands: readonly (ArrayBufferView | undefined)[],
  control: Int32Array,
) => Promise<void> | undefined;

/** Exports of `native/binding/module.cc`. */
export interface Binding {
  /** Fingerprint of the C++ sources that the file was built of. */
  readonly sources: string;
  /** Levels that this machine can run, the best first. */
  levels(): readonly { readonly option: string; readonly name: string }[];
  /** Creates a backend: a level, by its index in `levels()`, and the number of threads that it may use at a time. */
  createTeam(level: number, threads: number): Team;
  compile(
    team: Team,
    problem: AttentionProblem,
  ): {
    readonly kernel: CompiledKernel;
    readonly blockRows: number;
    readonly tileKeys: number;
    /** Scratch of the two passes. */
    readonly forwardBytes: number;
    readonly gradientBytes: number;
  };
  /**
   * Fills the output: small work on return, as `run`.
   *
   * @param sizes rows, width of the input and of the output, the activation by its place among
   * {@link LINEAR_ACTIVATIONS}, the type of the weight by that among {@link LINEAR_WEIGHTS}, 1 with a gate.
   * @param operands input, panels, bias, output, dOutput, residual, argument: with dOutput, the output is the gradient of the
   * activation's argument, with a gate of both halves; the residual is added to it otherwise, and the argument is filled too.
   */
  linear(
    team: Team,
    isDouble: boolean,
    sizes: readonly [number, number, number, number, number, 0 | 1],
    operands: readonly (ArrayBufferView | undefined)[],
    control: Int32Array,
  ): Promise<void> | undefined;
  /**
   * Fills the gradients of a weight and a bias, as `linear`.
   *
   * @param sizes rows, width of the input and of the output.
   * @param operands input, gradient of the activation's argument, dWeight, dBias.
   */
  weightGradient(
    team: Team,
    isDouble: boolean,
    sizes: readonly [number, number, number],
    operands: readonly (ArrayBufferView | undefined)[],
    control: Int32Array,
  ): Promise<void> | undefined;
  /**
   * Fills the gradient of an argument that `linear` has filled, as `linear`.
   *
   * @param numbers rows, width of the output, activation, 1 with a gate.
   * @param operands argument, dOutput, result.
   */
  readonly slope: OperationRun;
  /**
   * Fills the results of a norm of rows, or with dOutput those of its gradient, as `linear`.
   *
   * @param numbers 1 if the mean is subtracted, the number of rows, their width, epsilon.
   * @param operands input, weight, bias, dOutput, residual; then the results output or dInput, dWeight, dBias.
   */
  readonly norm: OperationRun;
  /**
   * Fills the result of dropout of elements, as `linear`.
   *
   * @param numbers the number of elements, the threshold of their random words, the factor of those that are kept, lower and upper half
   * of the seed, stream.
   * @param operands input, residual, output.
   */
  readonly elementDropout: OperationRun;
  /**
   * Fills the result of a rotary embedding, as `linear`.
   *
   * @param numbers batch, length, heads, length of a head, pairs that are rotated, 1 for pairs of neighbors, 1 to rotate back, 1 for
   * tables of each batch element.
   * @param operands input, cosines, sines, output.
   */
  readonly rotary: OperationRun;
  /**
   * Fills rows of a weight, or the gradient of the weight, as `linear`.
   *
   * @param numbers places, rows of the weight, their width, 1 for the gradient.
   * @param operands weight or dOutput, output or dWeight, indices that nobody changes.
   */
  readonly embedding: OperationRun;
  /**
   * Puts a weight into panels of this level.
   *
   * @param sizes width of the output and of the input; 1 for panels of the weight's columns, for the gradient of the input,
   * else 0; panels from one of its rows to the next: 2 for one half of a gate's.
   * @param panels filled: whole panels of {@link panelWidth} columns.
   */
  packLinear(
    team: Team,
    isDouble: boolean,
    sizes: readonly [number, number, 0 | 1, 1 | 2],
    data: ArrayBufferView,
    panels: ArrayBufferView,
  ): void;
  /** Columns of a panel of this level. */
  panelWidth(team: Team, isDouble: boolean): number;
  /**
   * Puts a stored weight into panels of this level.
   *
   * @param sizes its type by the place among {@link LINEAR_WEIGHTS}, its rows, width of the input; 1 with a gate, whose halves are the
   * upper and the lower rows.
   * @throws an error with code `OUT_OF_MEMORY`.
   */
  packWeight(team: Team, sizes: readonly [number, number, number, 0 | 1], data: ArrayBufferView): Uint8Array;
  /** Asks the system for large pages under a buffer, best before anything is written there. */
  preferLargePages(buffer: ArrayBuffer): void;
  /**
   * Fills the results among the operands, which are typed arrays by the order of {@link OPERANDS}. Small work is done on
   * return. Once `control[0]` is not 0, the run ends early, with useless results.
   *
   * @param noise lower and upper half of the seed of selection `sample` or of dropout; batch, head, query and key of the origin.
   */
  run(
    kernel: CompiledKernel,
    isGradient: boolean,
    operands: readonly (ArrayBufferView | undefined)[],
    noise: Uint32Array,
    control: Int32Array,
  ): Promise<void> | undefined;
}
