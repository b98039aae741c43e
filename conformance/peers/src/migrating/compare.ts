import { type AttentionBackend, type Tensor, resolveRequest } from '@heed/core';
import reference from '@heed/core/reference';
import { INPUTS } from './inputs.ts';
import type { Pair } from './table.ts';

let backend: Promise<AttentionBackend> | undefined;

/** Computes one side of a row with the float64 reference. */
export async function attendHere(
  here: Pair['here'],
  results: Pair['results'] = ['output'],
): Promise<readonly Tensor[]> {
  backend ??= reference.create();
  const { problem, inputs } = resolveRequest(here(INPUTS));
  await using kernel = await (await backend).compile(problem);
  const all = await kernel.run(inputs);
  return results.map((name) => all[name]!);
}

/** Returns the largest difference of two tensors; infinity if their shapes differ or one of them has a NaN that the other has not. */
export function distance(one: Pick<Tensor, 'shape' | 'data'>, other: Pick<Tensor, 'shape' | 'data'>): number {
  if (one.shape.join() !== other.shape.join()) return Infinity;
  return Array.from(one.data).reduce<number>((most, number, n) => {
    const gap = Object.is(number, other.data[n]) ? 0 : Math.abs(Number(number) - Number(other.data[n]));
    return Math.max(most, Number.isNaN(gap) ? Infinity : gap);
  }, 0);
}
