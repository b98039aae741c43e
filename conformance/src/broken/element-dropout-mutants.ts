import type { ElementDropoutProblem, Tensor } from '@heed/core';
import { philox4x32 } from '@heed/core/backend';
import { type ElementDropoutKernelDefinition, dropHere } from '@heed/core/operations';
import type { Mutant } from './mutant.ts';

type Problem = Required<ElementDropoutProblem>;
type Seed = { readonly seed: number; readonly stream?: number | undefined };

function elementDropout(
  wrap: (right: ElementDropoutKernelDefinition, problem: Problem) => Partial<ElementDropoutKernelDefinition>,
): Mutant {
  return {
    clause: 'elementDropout',
    overrides: { elementDropout: (right, problem) => ({ ...right, ...wrap(right, problem) }) },
  };
}

/** Changes the output. */
function changed(change: (output: Tensor, input: Tensor, problem: Problem) => void): Mutant {
  return elementDropout((right, problem) => ({
    async run(inputs, options) {
      const output = await right.run(inputs, options);
      change(output, inputs.input, problem);
      return output;
    },
  }));
}

/** Drops by another rule, forward and back. */
function instead(rule: (problem: Problem, input: Tensor, seed: Seed) => Tensor): Mutant {
  return elementDropout((_, problem) => ({
    run: ({ input, residual, ...seed }) => {
      const output = rule(problem, input, seed);
      residual?.data.forEach((x, n) => (output.data[n]! += x as number));
      return output;
    },
    gradient: (seed, { dOutput }) => ({ dInput: rule(problem, dOutput, seed) }),
  }));
}

/** Drops by words of another counter and key. */
function byWords(
  wordsOf: (block: number, seed: number, stream: number) => readonly number[],
  isKept: (word: number, probability: number) => boolean = (word, p) => word >= Math.floor(p * 2 ** 32),
): Mutant {
  return instead(({ probability }, input, { seed, stream = 0 }) => {
    const data = input.data.slice() as Float64Array;
    for (let n = 0; n < data.length; n++) {
      const word = wordsOf(Math.floor(n / 4), seed, stream)[n % 4]!;
      data[n] = isKept(word, probability) ? data[n]! / (1 - probability) : 0;
    }
    return { ...input, data } as Tensor;
  });
}

const high = (seed: number): number => Math.floor(seed / 2 ** 32);
const right = (block: number, seed: number, stream: number): readonly number[] =>
  philox4x32([block, 0, stream, 0], [seed >>> 0, high(seed)]);

/** Backends with one fault each in the operation `elementDropout`. */
export const ELEMENT_DROPOUT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'elementDropout: the others are not scaled': instead(({ probability }, input, seed) => {
    const output = dropHere({ probability }, { input, ...seed });
    output.data.forEach((x, n) => (output.data[n] = x * (1 - probability)));
    return output;
  }),
  'elementDropout: scaled by 1 + p': instead(({ probability }, input, seed) => {
    const output = dropHere({ probability }, { input, ...seed });
    output.data.forEach((x, n) => (output.data[n] = x * (1 - probability) * (1 + probability)));
    return output;
  }),
  'elementDropout: kept and dropped are exchanged': byWords(
    right,
    (word, p) => word < Math.floor((1 - p) * 2 ** 32),
  ),
  'elementDropout: a word equal to the threshold is dropped': byWords(
    right,
    (word, p) => word > Math.floor(p * 2 ** 32),
  ),
  'elementDropout: words of 24 bits': byWords(
    right,
    (word, p) => p === 0 || word >>> 8 >= Math.floor(p * 2 ** 24),
  ),
  'elementDropout: the seed has 32 bits': byWords((block, seed, stream) =>
    right(block, seed % 2 ** 32, stream),
  ),
  'elementDropout: the seed is added to the counter': byWords((block, seed, stream) =>
    philox4x32([(block + seed) >>> 0, 0, stream, 0], [0, high(seed)]),
  ),
  'elementDropout: the stream is forgotten': byWords((block, seed) => right(block, seed, 0)),
  'elementDropout: the stream has 31 bits': byWords((block, seed, stream) =>
    right(block, seed, stream % 2 ** 31),
  ),
  "elementDropout: the key of attention's dropout": byWords((block, seed, stream) =>
    philox4x32([block, 0, stream, 0], [seed >>> 0, high(seed) + 2 ** 31]),
  ),
  'elementDropout: words are mixed once more': byWords((block, seed, stream) =>
    right(block, seed, stream).map((word) => Math.imul(word, 0x9e3779b9) >>> 0),
  ),
  'elementDropout: words backwards': byWords((block, seed, stream) =>
    [...right(block, seed, stream)].reverse(),
  ),
  'elementDropout: dropped is times 0': changed(({ data }, input) => {
    for (let n = 0; n < data.length; n++) if (data[n] === 0) data[n] = input.data[n]! * 0;
  }),
  'elementDropout: the gradient is not dropped': elementDropout((_, { probability }) => ({
    gradient: (_seed, { dOutput }) => ({
      dInput: { ...dOutput, data: dOutput.data.map((x) => x / (1 - probability)) } as Tensor,
    }),
  })),
  'elementDropout: the gradient forgets the stream': elementDropout((_, problem) => ({
    gradient: ({ seed }, { dOutput }) => ({ dInput: dropHere(problem, { seed, input: dOutput }) }),
  })),
  'elementDropout: the elements after the last block are forgotten': changed(({ data }, input) => {
    for (let n = data.length - (data.length % 4); n < data.length; n++) data[n] = input.data[n]!;
  }),
  'elementDropout: NaN becomes 0': changed(({ data }) =>
    data.forEach((x, n) => (data[n] = Number.isNaN(x) ? 0 : x)),
  ),
  'elementDropout: another bit in company': changed(({ data }) => {
    if (data.length > 300) for (let n = 0; n < 4; n++) data[n]! *= 1 + 2 ** -22;
  }),
  'elementDropout: another bit at each run': (() => {
    let runs = 0;
    return changed(({ data }) => {
      const factor = 1 + runs++ * 2 ** -23;
      data.forEach((x, n) => (data[n] = x * factor));
    });
  })(),
  'elementDropout: other elements at each run': (() => {
    let runs = 0;
    return instead((problem, input, seed) => dropHere(problem, { input, ...seed, seed: seed.seed + runs++ }));
  })(),
  'elementDropout: the residual is forgotten': elementDropout((_, problem) => ({
    run: ({ input, seed, stream }) => dropHere(problem, { input, seed, stream }),
  })),
  'elementDropout: the residual is dropped, too': elementDropout((_, problem) => ({
    run({ input, residual, ...seed }) {
      const sum = {
        ...input,
        data: input.data.map((x, n) => (x as number) + ((residual?.data[n] as number) ?? 0)),
      };
      return dropHere(problem, { input: sum as Tensor, ...seed });
    },
  })),
  'elementDropout: writes to its input': changed((_, input) => void input.data.fill(0, 0, 1)),
};
