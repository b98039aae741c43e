import { type ComputeDType, type Tensor, zeros } from '../../tensor.ts';
import type { NativeTensor } from '../memory.ts';

/** Memory that JavaScript reads and writes in place. */
export interface HostViews<N extends NativeTensor> {
  /** A plain tensor over the memory of another, valid until the next `make`. */
  view(native: N): Tensor;
  /** Makes a tensor of any numbers. */
  make(dtype: ComputeDType, shape: readonly number[]): N;
  free(native: N): void;
}

/** Plain tensors: their own views. */
export const plainViews: HostViews<Tensor> = {
  view: (tensor) => tensor,
  make: zeros,
  free: () => undefined,
};

/** Adds a tensor to another, in place. */
export function addOnHost<N extends NativeTensor>({ view }: HostViews<N>): (result: N, other: N) => void {
  return (result, other) => {
    const [to, from] = [view(result).data, view(other).data] as [Float64Array, Float64Array];
    const { length } = to;
    for (let n = 0; n < length; n++) to[n]! += from[n]!;
  };
}
