import type { Origin } from '@heed/core';

/** Abilities of the engine. */
export interface PlanOptions {
  /** True if the memory is shared between threads. */
  readonly shared: boolean;
  /** True if kernels may use the fused multiply-add of relaxed SIMD. */
  readonly relaxedSimd: boolean;
  /** True if the engine joins two vectors of 128 bits in one register. */
  readonly wide: boolean;
}

/** A module to compile. Two of equal keys are the same. */
export interface KernelModule {
  readonly key: string;
  generate(): Uint8Array<ArrayBuffer>;
}

/**
 * Tasks firstTask … firstTask + tasks − 1, in any order and all at once: `export(item, frame, threadScratch)`. The
 * next phase begins when all have ended.
 */
export interface Phase {
  readonly export: string;
  readonly firstTask: number;
  readonly tasks: number;
}

/** Tensors that a run reads or writes, by the names of the contract. */
export type TensorName =
  | 'query'
  | 'key'
  | 'value'
  | 'mask'
  | 'keyScales'
  | 'valueScales'
  | 'blockTable'
  | 'bias'
  | 'offsets'
  | 'keyLengths'
  | 'keyStarts'
  | 'queryLengths'
  | 'querySegments'
  | 'keySegments'
  | 'alibiSlopes'
  | 'sinks'
  | 'output'
  | 'weights'
  | 'logSumExp'
  | 'rowMax'
  | 'rowSum'
  | 'choice'
  | 'dOutput'
  | 'dQuery'
  | 'dKey'
  | 'dValue'
  | 'dBias'
  | 'dSinks';

/** Addresses of tensors in the memory, in bytes, without those that the problem does not have. */
export type Addresses = Readonly<Partial<Record<TensorName, number>>> & {
  /** Address of the scratch that all threads share. */
  readonly scratch: number;
  /** The seed itself, for selection `sample` or dropout. */
  readonly seed?: number;
  /** Place of the problem in a larger one, from which that selection counts. */
  readonly origin?: Origin;
};

/** Plan to compute a problem by the exports of a module. It does not depend on the numbers in the tensors. */
export interface Plan {
  readonly algorithm: string;
  readonly tile: { readonly query: number; readonly key: number };
  readonly module: KernelModule;
  readonly phases: readonly Phase[];
  readonly threadScratchBytes: number;
  readonly sharedScratchBytes: number;
  readonly frameBytes: number;
  /** Writes the data that kernels read besides tensors, from `at` on: `frameBytes` bytes, `at` a multiple of 8. */
  writeFrame(memory: DataView, at: number, addresses: Addresses): void;
}
