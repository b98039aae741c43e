import type { Here } from './inputs.ts';

/** A call there and the call here that must give the same numbers. */
export interface Pair {
  /** An expression of Python, evaluated with the inputs and the names of `python/side_by_side.py`. */
  readonly there: string;
  readonly here: Here;
  /** Results to compare, in the order in which `there` returns them. Default: the output. */
  readonly results?: readonly ('output' | 'weights' | 'logSumExp')[];
  /** True if the library raises an error; what Heed returns is not compared then. */
  readonly refused?: boolean;
}

/** A table of MIGRATING.md whose library runs here: every row of it, by the cell on the left. */
export interface MigrationTable {
  readonly heading: string;
  readonly library: 'torch' | 'jax' | 'keras' | 'onnx';
  readonly rows: Readonly<Record<string, readonly Pair[]>>;
}
