import type { EmbeddingProblem, Tensor } from '@heed/core';
import type { EmbeddingKernelDefinition } from '@heed/core/operations';
import type { Mutant } from './mutant.ts';

type Problem = Required<EmbeddingProblem>;
type Indices = Tensor<'int32'>;

function embedding(
  wrap: (right: EmbeddingKernelDefinition, problem: Problem) => Partial<EmbeddingKernelDefinition>,
): Mutant {
  return {
    clause: 'embedding',
    overrides: { embedding: (right, problem) => ({ ...right, ...wrap(right, problem) }) },
  };
}

/** Changes the output. */
function changed(change: (output: Tensor, indices: Indices, weight: Tensor) => void): Mutant {
  return embedding((right) => ({
    async run(inputs, options) {
      const output = await right.run(inputs, options);
      change(output, inputs.indices, inputs.weight);
      return output;
    },
  }));
}

/** Changes dWeight. */
function changedGradient(change: (dWeight: Tensor, indices: Indices, dOutput: Tensor) => void): Mutant {
  return embedding((right) => ({
    async gradient(inputs, forward, options) {
      const gradients = await right.gradient!(inputs, forward, options);
      change(gradients.dWeight, inputs.indices, forward.dOutput);
      return gradients;
    },
  }));
}

/** Sums rows of dOutput in another way. */
function summed(
  places: (indices: Int32Array) => readonly number[],
  add: (sum: number, term: number) => number = (sum, term) => Math.fround(sum + term),
): Mutant {
  return changedGradient(({ dtype, shape, data }, indices, dOutput) => {
    if (dtype === 'float64') return;
    const width = shape[1]!;
    data.fill(0);
    for (const place of places(indices.data)) {
      const index = indices.data[place]!;
      if (index === -1) continue;
      for (let e = 0; e < width; e++)
        data[index * width + e] = add(data[index * width + e]!, dOutput.data[place * width + e]!);
    }
  });
}

const inOrder = (indices: Int32Array): readonly number[] => [...indices.keys()];

/** Backends with one fault each in the operation `embedding`. */
export const EMBEDDING_MUTANTS: Readonly<Record<string, Mutant>> = {
  'embedding: padding has the first row': changed(({ data, shape }, indices, weight) => {
    const width = shape.at(-1)!;
    indices.data.forEach((index, place) => {
      if (index === -1) data.set(weight.data.slice(0, width) as never, place * width);
    });
  }),
  'embedding: the numbers after the last vector are forgotten': changed(({ data, shape }) => {
    const width = shape.at(-1)!;
    for (let n = 0; n < data.length; n++) if (n % width >= width - (width % 4)) data[n] = 0;
  }),
  'embedding: NaN becomes 0': changed(({ data }) =>
    data.forEach((x, n) => (data[n] = Number.isNaN(x) ? 0 : x)),
  ),
  'embedding: −0 becomes 0': changed(({ data }) => data.forEach((x, n) => (data[n] = x + 0))),
  'embedding: a product with rows of 0 and 1': changed(({ data, shape }, _, weight) => {
    const width = shape.at(-1)!;
    for (let n = 0; n < data.length; n++) {
      let zeros = 0;
      for (let at = n % width; at < weight.data.length; at += width) zeros += 0 * weight.data[at]!;
      data[n]! += zeros;
    }
  }),
  'embedding: writes to its weight': changed((_, __, { data }) => void data.fill(0, 0, 1)),
  'embedding: another bit at each run': (() => {
    let runs = 0;
    return changed(({ data }) => void (data[0]! *= 1 + runs++ * 2 ** -23));
  })(),
  'embedding: the last place of an index overwrites the others': summed(inOrder, (_, term) => term),
  'embedding: padding is a place of the last row': changedGradient(({ data, shape }, indices, dOutput) => {
    const [count, width] = shape as [number, number];
    indices.data.forEach((index, place) => {
      if (index !== -1) return;
      for (let e = 0; e < width; e++) data[(count - 1) * width + e]! += dOutput.data[place * width + e]!;
    });
  }),
  'embedding: padding times 0 is added': changedGradient(({ data, shape }, indices, dOutput) => {
    const width = shape[1]!;
    indices.data.forEach((index, place) => {
      if (index !== -1) return;
      for (let e = 0; e < width; e++) data[e]! += 0 * dOutput.data[place * width + e]!;
    });
  }),
  'embedding: sums in bfloat16': summed(inOrder, (sum, term) => {
    const bits = new Int32Array(Float32Array.of(sum + term).buffer)[0]!;
    return new Float32Array(Int32Array.of((bits + 0x8000) & 0xffff0000).buffer)[0]!;
  }),
  'embedding: another order at each run': (() => {
    let runs = 0;
    return summed((indices) => {
      const order = inOrder(indices);
      return runs++ % 2 === 0 ? order : [...order].reverse();
    });
  })(),
  'embedding: the order of a sum depends on how many places there are': summed((indices) => {
    const order = inOrder(indices);
    return order.length > 60 ? [...order].reverse() : order;
  }),
  'embedding: rows that no index names keep what was there': changedGradient(({ data, shape }, indices) => {
    const [count, width] = shape as [number, number];
    const named = new Set(indices.data);
    for (let row = 0; row < count; row++) if (!named.has(row)) data.fill(1, row * width, (row + 1) * width);
  }),
  'embedding: NaN reaches the whole row': changedGradient(({ data, shape }) => {
    const width = shape[1]!;
    const at = data.findIndex(Number.isNaN);
    if (at !== -1) data.fill(NaN, at - (at % width), at - (at % width) + width);
  }),
  'embedding: the mean for the sum': changedGradient(({ data, shape }, indices) => {
    const width = shape[1]!;
    const counts = new Map<number, number>();
    for (const index of indices.data) counts.set(index, (counts.get(index) ?? 0) + 1);
    for (let n = 0; n < data.length; n++) data[n]! /= counts.get(Math.floor(n / width)) ?? 1;
  }),
};
