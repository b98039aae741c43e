import { type ComputeDType, type Tensor, zeros } from '../../tensor.ts';
import { normGradientHere, normHere } from '../../operations/norm/host.ts';
import type { NativeTensor } from '../memory.ts';
import type { OperationDefinitions } from './offer.ts';

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

/**
 * The operations besides `linear` in JavaScript on the calling thread, computed in float64 and rounded once: for engines whose
 * tensors JavaScript can see.
 */
export function operationsOnHost<N extends NativeTensor>(views: HostViews<N>): OperationDefinitions<N> {
  return {
    norm: {
      compile: (problem) => ({
        run: (inputs) =>
          made(views, inputs.input.dtype, { output: inputs.input.shape }, ({ output }) =>
            normHere(problem, viewed(views, inputs), output),
          ).output,
        gradient: (inputs, forward) => {
          const shapes = {
            dInput: inputs.input.shape,
            dWeight: inputs.weight.shape,
            ...(inputs.bias && { dBias: inputs.weight.shape }),
          };
          return made(views, inputs.input.dtype, shapes, (results) =>
            normGradientHere(problem, viewed(views, inputs), viewed(views, forward), results),
          );
        },
      }),
    },
  };
}

/** Adds a tensor to another, in place. */
export function addOnHost<N extends NativeTensor>({ view }: HostViews<N>): (result: N, other: N) => void {
  return (result, other) => {
    const [to, from] = [view(result).data, view(other).data] as [Float64Array, Float64Array];
    const { length } = to;
    for (let n = 0; n < length; n++) to[n]! += from[n]!;
  };
}

/**
 * The tensors of a structure as plain ones; others stay.
 *
 * @typeParam Plain the same structure of plain tensors.
 */
function viewed<N extends NativeTensor, Plain extends object>(
  { view }: HostViews<N>,
  structure: object,
): Plain {
  const entries = Object.entries(structure).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null ? view(value as N) : value,
  ]);
  return Object.fromEntries(entries) as Plain;
}

/** Makes results, and fills them; frees them if that fails. */
function made<N extends NativeTensor, Name extends string>(
  views: HostViews<N>,
  dtype: NativeTensor['dtype'],
  shapes: Readonly<Partial<Record<Name, readonly number[]>>>,
  fill: (results: Readonly<Record<Name, Tensor>>) => void,
): Record<Name, N> {
  const results = {} as Record<Name, N>;
  try {
    for (const name of Object.keys(shapes) as Name[])
      results[name] = views.make(dtype as ComputeDType, shapes[name]!);
    fill(viewed(views, results));
    return results;
  } catch (error) {
    for (const native of Object.values<N>(results)) views.free(native);
    throw error;
  }
}
