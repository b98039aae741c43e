import type { Tensor } from '@heed/core';
import type { Here, Inputs } from '../inputs.ts';

/** A call as the docstring of a library that needs a GPU describes it, and the call here. */
export interface DocumentedPair {
  readonly there: (x: Inputs) => Partial<Record<'output' | 'logSumExp', Tensor>>;
  readonly here: Here;
}
