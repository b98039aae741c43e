import type { NativeTensor } from '../backend/memory.ts';
import type { HostViews } from '../backend/operations/host-views.ts';
import type { OperationOffer } from '../backend/operations/offer.ts';
import type { ComputeDType, Tensor } from '../tensor.ts';
import { dropHere } from './element-dropout/host.ts';
import { offerElementDropout } from './element-dropout/offer.ts';
import { embedGradientHere, embedHere } from './embedding/host.ts';
import { offerEmbedding } from './embedding/offer.ts';
import { normGradientHere, normHere } from './norm/host.ts';
import { offerNorm } from './norm/offer.ts';
import { rotateHere } from './rotary/host.ts';
import { offerRotary } from './rotary/offer.ts';

/**
 * Every operation besides `linear` in JavaScript on the calling thread, computed in float64 and rounded once: for engines
 * whose tensors JavaScript can see.
 *
 * @example
 * ```ts
 * import { plainViews } from '@heed/core/backend';
 * import { operationsOnHost } from '@heed/core/operations';
 *
 * console.log(operationsOnHost(plainViews).map(({ name }) => name).join()); // norm,rotary,embedding,elementDropout
 * ```
 */
export function operationsOnHost<N extends NativeTensor>(views: HostViews<N>): OperationOffer<N>[] {
  return [normOnHost(views), rotaryOnHost(views), embeddingOnHost(views), elementDropoutOnHost(views)];
}

/** Norms of rows, as {@link operationsOnHost}. */
export function normOnHost<N extends NativeTensor>(views: HostViews<N>): OperationOffer<N> {
  return offerNorm((problem) => ({
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
  }));
}

/** Rotary embeddings, as {@link operationsOnHost}. */
export function rotaryOnHost<N extends NativeTensor>(views: HostViews<N>): OperationOffer<N> {
  return offerRotary((problem) => ({
    run: (inputs) =>
      made(views, problem.dtype, { output: inputs.input.shape }, ({ output }) =>
        rotateHere(problem, viewed(views, inputs), 1, output),
      ).output,
    gradient: (tables, { dOutput }) =>
      made(views, problem.dtype, { dInput: dOutput.shape }, ({ dInput }) =>
        rotateHere(problem, viewed(views, { ...tables, input: dOutput }), -1, dInput),
      ),
  }));
}

/** Rows of a weight, as {@link operationsOnHost}. */
export function embeddingOnHost<N extends NativeTensor>(views: HostViews<N>): OperationOffer<N> {
  return offerEmbedding(({ count, width, dtype }) => ({
    run: ({ indices, weight }) =>
      made(views, dtype, { output: [...indices.shape, width] }, ({ output }) =>
        embedHere({ indices, weight: views.view(weight) }, output),
      ).output,
    gradient: (indices, { dOutput }) =>
      made(views, dtype, { dWeight: [count, width] }, ({ dWeight }) =>
        embedGradientHere(indices, { dOutput: views.view(dOutput) }, dWeight),
      ),
  }));
}

/** Dropout of elements, as {@link operationsOnHost}. */
export function elementDropoutOnHost<N extends NativeTensor>(views: HostViews<N>): OperationOffer<N> {
  return offerElementDropout((problem) => ({
    run: (inputs) =>
      made(views, problem.dtype, { output: inputs.input.shape }, ({ output }) =>
        dropHere(problem, viewed(views, inputs), output),
      ).output,
    gradient: (seed, { dOutput }) =>
      made(views, problem.dtype, { dInput: dOutput.shape }, ({ dInput }) =>
        dropHere(problem, { ...seed, input: views.view(dOutput) }, dInput),
      ),
  }));
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
