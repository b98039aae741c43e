import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { numbersOf, zeros } from '@heed/core/backend';
import type { Steps } from './steps.ts';

type Inputs = AttentionInputs<Tensor>;

/** Keys and values as numbers `[kvBatch, Hkv, Lk, D]` in the layout, however they are stored. */
export function simpleCache(steps: Steps, problem: AttentionProblem, inputs: Inputs): Inputs {
  const { headDim, valueDim, groups, valueFromKey } = problem;
  const stored = { rows: inputs.key, scales: inputs.keyScales };
  const key = plainRows(steps, problem, inputs, stored, headDim, groups?.key);
  if (valueFromKey) return { ...inputs, key, value: partOfRows(key, steps.valueStart(problem), valueDim) };
  const values = { rows: inputs.value, scales: inputs.valueScales };
  return { ...inputs, key, value: plainRows(steps, problem, inputs, values, valueDim, groups?.value) };
}

function partOfRows({ shape, data }: Tensor, start: number, length: number): Tensor {
  const depth = shape[3]!;
  const part = zeros('float64', [...shape.slice(0, 3), length]);
  part.data.forEach((_, n) => {
    part.data[n] = data[Math.floor(n / length) * depth + start + (n % length)]!;
  });
  return part;
}

/** The page that has key j of batch element b, or b itself where there are no pages. */
export function partOf(
  steps: Steps,
  { pages, keyLength }: AttentionProblem,
  { blockTable }: Inputs,
  b: number,
  j: number,
): number {
  if (pages === null) return b;
  return steps.page(blockTable!.data, b, keyLength / pages.size, Math.floor(j / pages.size));
}

function plainRows(
  steps: Steps,
  problem: AttentionProblem,
  inputs: Inputs,
  { rows, scales }: { readonly rows: Tensor; readonly scales?: Tensor | undefined },
  depth: number,
  group = 1,
): Tensor {
  const { layout, kvBatch, kvHeads, keyLength, pages } = problem;
  const isQuantized = scales !== undefined;
  const numbers = isQuantized ? null : numbersOf(rows);
  const read = (n: number): number =>
    numbers === null
      ? steps.integer(rows, n) * steps.scaleAt(scales!.data as Float32Array, n, group, depth)
      : numbers[n]!;
  const size = pages?.size ?? keyLength;
  const shape =
    layout === 'bhld' ? [kvBatch, kvHeads, keyLength, depth] : [kvBatch, keyLength, kvHeads, depth];
  const result = zeros('float64', shape);
  for (let b = 0; b < kvBatch; b++) {
    for (let j = 0; j < keyLength; j++) {
      const part = partOf(steps, problem, inputs, b, j);
      if (part === -1) continue;
      for (let h = 0; h < kvHeads; h++) {
        const place = [part, h, pages === null ? j : steps.placeInPage(j, size)] as const;
        const from = steps.rowStart(layout, place, [kvHeads, size, depth]);
        const to = steps.rowStart(layout, [b, h, j], [kvHeads, keyLength, depth]);
        for (let d = 0; d < depth; d++) result.data[to + d] = read(from + d);
      }
    }
  }
  return result;
}
