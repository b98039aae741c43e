import type { AttentionProblem } from '@heed/core';

/** Something that the native file made. */
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
export type OperandName = (typeof OPERANDS)[number];

/** What `native/binding/module.cc` exports. */
export interface Binding {
  /** Levels that this machine can run, the best first. */
  levels(): readonly { readonly option: string; readonly name: string }[];
  /** A backend: a level, by its place among `levels()`, and how many threads it may use at a time. */
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
   * Fills the results among the operands, which are typed arrays by the order of {@link OPERANDS}. Small work is done on
   * return. Once `stop[0]` is not 0, the run ends early, with results that are of no use.
   */
  run(
    kernel: CompiledKernel,
    isGradient: boolean,
    operands: readonly (ArrayBufferView | undefined)[],
    seedLow: number,
    seedHigh: number,
    stop: Int32Array,
  ): Promise<void> | undefined;
}
