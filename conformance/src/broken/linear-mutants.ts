import type { BlockWeight, LinearParameters, LinearProblem, Operation, Tensor } from '@heed/core';
import { BLOCK_BYTES, CURVES, isBlockType, sizeOf, weightNumbers, zeros } from '@heed/core/backend';
import { referenceLinear, referenceLinearGradient } from '@heed/core/reference';
import type { Mutant } from './mutant.ts';
import { type AnyParameters, type SimpleLinear, rounded } from './simple-linear.ts';

function linear(
  wrap: (right: SimpleLinear, problem: Required<LinearProblem>) => Partial<SimpleLinear>,
): Mutant {
  return {
    clause: 'linear',
    overrides: { linear: (right, problem) => ({ ...right, ...wrap(right, problem) }) },
  };
}

/** Changes the output. */
function changed(change: (output: Tensor, input: Tensor) => void): Mutant {
  return linear((right) => ({
    async run(...given) {
      const output = await right.run(...given);
      change(output, given[0]);
      return output;
    },
  }));
}

/** Changes the gradients. */
function changedGradients(
  change: (right: Awaited<ReturnType<typeof referenceLinearGradient>>) => void,
): Mutant {
  return linear((right) => ({
    async gradient(...given) {
      const made = await right.gradient!(...given);
      change(made);
      return made;
    },
  }));
}

/** Computes a problem other than the requested one. */
function instead(other: (problem: Required<LinearProblem>) => Required<LinearProblem>): Mutant {
  return linear((_, problem) => ({
    run: (input, weights) => rounded(problem.dtype, referenceLinear(other(problem), weights, input)),
  }));
}

/** Computes a gated projection in another way; without a gate it is right. */
function gate(other: (problem: Required<LinearProblem>) => Partial<SimpleLinear>): Mutant {
  return linear((right, problem) => (problem.gate ? { ...right, ...other(problem) } : right));
}

/** The weights with their halves exchanged. */
const exchanged = ({ weight, bias }: AnyParameters): AnyParameters => {
  const turned = <T extends { readonly data: { readonly length: number } }>(given: T): T => {
    const copy = structuredClone(given);
    const data = copy.data as unknown as Float32Array;
    const half = data.length / 2;
    data.copyWithin(0, half);
    data.set((given.data as unknown as Float32Array).subarray(0, half), half);
    return copy;
  };
  return { weight: turned(weight), bias: bias && turned(bias) };
};

/** Computes a part of the clause that it does not declare. */
function undeclared(part: Operation): Mutant {
  return {
    clause: 'linear',
    overrides: {
      backend: (right) => {
        const operations = right.capabilities.operations!.filter((name) => name !== part);
        const capabilities = Object.freeze({ ...right.capabilities, operations: Object.freeze(operations) });
        return Object.create(right, { capabilities: { value: capabilities } }) as typeof right;
      },
    },
  };
}

/** Faults of a gate. */
const GATE_MUTANTS: Readonly<Record<string, Mutant>> = {
  'linear: the other half is the gate': gate((problem) => ({
    run: (input, weights) => rounded(problem.dtype, referenceLinear(problem, exchanged(weights), input)),
  })),
  'linear: a gate without its activation': gate((problem) => ({
    run: (input, weights) =>
      rounded(problem.dtype, referenceLinear({ ...problem, activation: null }, weights, input)),
  })),
  'linear: both halves are activated': gate((problem) => ({
    run(input, weights) {
      const { activation, outputDim } = problem;
      const plain = { ...problem, gate: false, outputDim: 2 * outputDim };
      const z = referenceLinear(plain, weights, input);
      const output = zeros(problem.dtype, [...input.shape.slice(0, -1), outputDim]);
      output.data.forEach((_, n) => {
        const at = n + Math.floor(n / outputDim) * outputDim;
        output.data[n] = z.data[at]! * z.data[at + outputDim]!;
      });
      return activation === null ? rounded(problem.dtype, referenceLinear(problem, weights, input)) : output;
    },
  })),
  'linear: halves of a gate are neighbors': gate((problem) => ({
    run(input, weights) {
      const z = referenceLinear(
        { ...problem, gate: false, activation: null, outputDim: 2 * problem.outputDim },
        weights,
        input,
      );
      const output = zeros(problem.dtype, [...input.shape.slice(0, -1), problem.outputDim]);
      const at = problem.activation === null ? (x: number) => x : CURVES[problem.activation].at;
      output.data.forEach((_, n) => (output.data[n] = at(z.data[2 * n]!) * z.data[2 * n + 1]!));
      return output;
    },
  })),
  'linear: the gradient of a gate without the slope': gate((problem) => ({
    async gradient(input, weights, dOutput) {
      const made = await referenceLinearGradient(
        problem,
        weights as LinearParameters<Tensor>,
        input,
        dOutput,
      );
      const flat = await referenceLinearGradient(
        { ...problem, activation: null },
        weights as LinearParameters<Tensor>,
        input,
        dOutput,
      );
      const { dtype } = problem;
      return {
        dInput: rounded(dtype, flat.dInput),
        dWeight: rounded(dtype, flat.dWeight),
        ...(made.dBias && { dBias: rounded(dtype, flat.dBias!) }),
      };
    },
  })),
  'linear: an ignored row reaches the gradient of a gate': linear((right, problem) => ({
    async gradient(...given) {
      const made = await right.gradient!(...given);
      const isSpoiled = problem.gate && given[0].data.some(Number.isNaN);
      if (isSpoiled) made.dWeight.data.fill(NaN);
      return made;
    },
  })),
  'linear: the gradient of a gate forgets the second half': linear((right, problem) => ({
    async gradient(...given) {
      const made = await right.gradient!(...given);
      if (problem.gate) made.dWeight.data.fill(0, made.dWeight.data.length / 2);
      return made;
    },
  })),
  'linear: a gate that is not declared is computed': undeclared('linear.gate'),
};

/** Changes the argument that a run returns; the rest is right. */
function argument(
  change: (
    argument: Tensor,
    output: Tensor,
    parameters: AnyParameters,
    problem: Required<LinearProblem>,
  ) => void,
): Mutant {
  return linear((right, problem) => ({
    async runWithArgument(...given) {
      const made = await right.runWithArgument!(...given);
      change(made.argument, made.output, given[1], problem);
      return made;
    },
  }));
}

/** Faults of an argument that is kept for the gradient. */
const ARGUMENT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'linear: the argument is the output': argument((z, { data }, _, problem) => {
    if (!problem.gate) z.data.set(data as never);
  }),
  'linear: the argument lacks the bias': argument((z, _, { bias }) =>
    bias?.data.forEach((b, n) => {
      for (let at = n; at < z.data.length; at += bias.data.length) z.data[at]! -= b as number;
    }),
  ),
  'linear: the argument has its halves exchanged': argument((z, _, __, problem) => {
    const { outputDim } = problem;
    if (!problem.gate) return;
    for (let at = 0; at < z.data.length; at += 2 * outputDim) {
      const first = z.data.slice(at, at + outputDim);
      z.data.copyWithin(at, at + outputDim, at + 2 * outputDim);
      z.data.set(first as never, at + outputDim);
    }
  }),
  'linear: the argument has another bit in company': argument(({ data, shape }) => {
    if (shape.at(-2)! > 4) data[0]! *= 1 + 2 ** -22;
  }),
  'linear: the output has another bit beside its argument': linear((right) => ({
    async runWithArgument(...given) {
      const made = await right.runWithArgument!(...given);
      made.output.data.forEach((x, n) => (made.output.data[n] = x * (1 + 2 ** -22)));
      return made;
    },
  })),
  'linear: the gradient ignores the argument': linear((right) => ({
    gradient: (input, weights, dOutput, options) => right.gradient!(input, weights, dOutput, options),
  })),
  'linear: NaN in an argument reaches dWeight': linear((right) => ({
    async gradient(...given) {
      const made = await right.gradient!(...given);
      if (given[5]?.data.some((z) => Number.isNaN(z))) made.dWeight.data.fill(NaN);
      return made;
    },
  })),
  'linear: an argument that is not declared is computed': undeclared('linear.argument'),
};

/** Sums in which every step is rounded to this many bits. */
function coarse(bits: number): Mutant {
  const factor = 2 ** (24 - bits) + 1;
  // Veltkamp's splitting: the upper bits of a number.
  const round = (x: number): number => {
    const high = Math.fround(factor * x);
    return Math.fround(high - Math.fround(high - x));
  };
  return linear((right, { activation }) => ({
    run(input, weights, options) {
      if (activation !== null || input.dtype !== 'float32') return right.run(input, weights, options);
      const { weight, bias } = weights;
      const numbers = weightNumbers(weight);
      const [outputs, inputs] = weight.shape as [number, number];
      const output = rounded(
        'float32',
        referenceLinear({ inputDim: inputs, outputDim: outputs, activation }, weights, input),
      );
      output.data.forEach((_, at) => {
        const [row, n] = [Math.floor(at / outputs), at % outputs];
        let sum = 0;
        for (let k = 0; k < inputs; k++)
          sum = round(sum + input.data[row * inputs + k]! * numbers[n * inputs + k]!);
        output.data[at] = sum + (bias?.data[n] ?? 0);
      });
      return output;
    },
  }));
}

/** Changes the bytes of each block of a weight before they are packed; `last` marks the last block of a row. */
function blocks(change: (block: Uint8Array, type: BlockWeight['dtype'], last: boolean) => void): Mutant {
  return linear(() => ({
    packStored(parameters) {
      const packed = structuredClone(parameters);
      const { dtype, data, shape } = packed.weight;
      if (!isBlockType(dtype)) return packed;
      const bytes = BLOCK_BYTES[dtype];
      const ofRow = shape[1]! / 32;
      for (let n = 0; n * bytes < data.length; n++) {
        const block = (data as Uint8Array).subarray(n * bytes, (n + 1) * bytes);
        change(block, dtype, n % ofRow === ofRow - 1);
      }
      return packed;
    },
  }));
}

const ONE_IN_FLOAT16 = [0x00, 0x3c];

/** Faults of a weight's decoding. */
const BLOCK_MUTANTS: Readonly<Record<string, Mutant>> = {
  'linear: scale of a block ignored': blocks((block) => block.set(ONE_IN_FLOAT16)),
  'linear: halves of a byte swapped': blocks((block, type) => {
    if (type === 'q8_0') return;
    for (let n = block.length - 16; n < block.length; n++) block[n] = (block[n]! >> 4) | (block[n]! << 4);
  }),
  'linear: numbers of a block in pairs': blocks((block, type) => {
    if (type === 'q8_0') return;
    const bytes = block.slice(-16);
    const q = [...bytes].map((byte) => byte & 15).concat([...bytes].map((byte) => byte >> 4));
    block.set(
      Array.from({ length: 16 }, (_, n) => q[n * 2]! | (q[n * 2 + 1]! << 4)),
      block.length - 16,
    );
  }),
  'linear: sign of the minimum': blocks((block, type) => {
    if (type === 'q4_1') block[3]! ^= 0x80;
  }),
  'linear: sign of the scale ignored': blocks((block) => void (block[1]! &= 0x7f)),
  'linear: bytes of q8_0 without a sign': blocks((block, type) => {
    if (type === 'q8_0') for (let n = 2; n < 34; n++) block[n]! &= 0x7f;
  }),
  'linear: −128 read as −127': blocks((block, type) => {
    if (type === 'q8_0') for (let n = 2; n < 34; n++) if (block[n] === 0x80) block[n] = 0x81;
  }),
  'linear: subnormal scales are 0': blocks((block) => {
    if ((block[1]! & 0x7c) === 0) block.fill(0, 0, 2);
  }),
  'linear: last block of a row forgotten': blocks((block, type, last) => {
    if (last) block.fill(0, 0, type === 'q4_1' ? 4 : 2);
  }),
  'linear: float16 read as bfloat16': linear(() => ({
    packStored({ weight, bias }) {
      const packed = structuredClone({ weight, bias });
      return weight.dtype === 'float16'
        ? { ...packed, weight: { ...packed.weight, dtype: 'bfloat16' } as Tensor<'bfloat16'> }
        : packed;
    },
  })),
  'linear: subnormal float16 are 0': linear(() => ({
    packStored(parameters) {
      const packed = structuredClone(parameters);
      const { dtype, data } = packed.weight;
      if (dtype === 'float16')
        Uint16Array.from(data).forEach((bits, n) => (data[n] = (bits & 0x7c00) === 0 ? 0 : bits));
      return packed;
    },
  })),
  'linear: stored weights without a copy': linear(() => ({ packStored: (parameters) => parameters })),
  'linear: activations rounded to 8 bits beside blocks': linear((right, { weightType }) => ({
    run(input, weights, options) {
      if (!isBlockType(weightType)) return right.run(input, weights, options);
      const changedInput = structuredClone(input);
      const width = input.shape.at(-1)!;
      for (let at = 0; at < changedInput.data.length; at += width) {
        const row = (changedInput.data as Float32Array).subarray(at, at + width);
        const scale = Math.max(...row.map(Math.abs)) / 127;
        if (scale > 0) row.forEach((x, n) => (row[n] = Math.round(x / scale) * scale));
      }
      return right.run(changedInput, weights, options);
    },
  })),
};

const none: LinearParameters<Tensor>['bias'] = undefined;

/** Backends with one fault each in the operation `linear`. */
export const LINEAR_MUTANTS: Readonly<Record<string, Mutant>> = {
  'linear: residual is forgotten': { clause: 'linear', overrides: { add: () => undefined } },
  'linear: residual is changed': {
    clause: 'linear',
    overrides: {
      add: (result, other) =>
        other.data.forEach((x, n) => {
          result.data[n]! += x;
          other.data[n] = result.data[n]!;
        }),
    },
  },
  ...BLOCK_MUTANTS,
  ...GATE_MUTANTS,
  ...ARGUMENT_MUTANTS,
  'linear: no bias': linear((right) => ({
    run: (input, { weight }, options) => right.run(input, { weight, bias: none }, options),
  })),
  'linear: no activation': instead((problem) => ({ ...problem, activation: null })),
  'linear: gelu by tanh': instead((problem) =>
    problem.activation === 'gelu' ? { ...problem, activation: 'geluTanh' } : problem,
  ),
  'linear: sums of 11 bits': coarse(11),
  'linear: sums of 8 bits': coarse(8),
  'linear: the last column is forgotten': changed(({ data }) => {
    if (data.length > 0) data[data.length - 1] = 0;
  }),
  'linear: weights without a copy': linear(() => ({ pack: (parameters) => parameters })),
  'linear: one place for all weights': linear((right) => {
    let last: AnyParameters;
    return {
      pack: (parameters) => (last = structuredClone(parameters)),
      run: (input, _, options) => right.run(input, last, options),
    };
  }),
  'linear: another bit in company': changed(({ data, shape }) => {
    if (shape.at(-2)! > 4) data[0]! *= 1 + 2 ** -22;
  }),
  'linear: another bit at each run': (() => {
    let runs = 0;
    return changed(({ data }) => void (data[0]! *= 1 + runs++ * 2 ** -23));
  })(),
  'linear: NaN reaches the next row': changed(({ data, shape }) => {
    const width = shape.at(-1)!;
    const at = data.findIndex(Number.isNaN);
    if (at !== -1) data.fill(NaN, at, at + 2 * width);
  }),
  'linear: NaN becomes 0': changed(({ data }) => data.forEach((x, n) => (data[n] = Number.isNaN(x) ? 0 : x))),
  'linear: writes to its input': changed((_, { data }) => void data.fill(0, 0, 1)),
  'linear: gradient without the slope': linear((_, problem) => ({
    async gradient(input, weights, dOutput) {
      const plain = { ...problem, activation: null };
      const gradients = await referenceLinearGradient(
        plain,
        weights as LinearParameters<Tensor>,
        input,
        dOutput,
      );
      return roundedAll(problem, gradients);
    },
  })),
  'linear: dBias of one row': linear((right) => ({
    async gradient(input, weights, dOutput, options) {
      const gradients = await right.gradient!(input, weights, dOutput, options);
      return gradients.dBias === undefined
        ? gradients
        : {
            ...gradients,
            dBias: { ...gradients.dBias, data: dOutput.data.slice(0, weights.weight.shape[0]) } as Tensor,
          };
    },
  })),
  'linear: dInput has another bit in company': changedGradients(({ dInput }) => {
    const { data, shape } = dInput;
    if (shape.at(-2)! > 4) for (let n = 0; n < data.length; n++) data[n]! *= 1 + 2 ** -22;
  }),
  'linear: gradients have another bit at each run': (() => {
    let runs = 0;
    return changedGradients(({ dWeight }) => {
      const factor = 1 + (runs++ % 8) * 2 ** -23;
      for (let n = 0; n < dWeight.data.length; n++) dWeight.data[n]! *= factor;
    });
  })(),
  'linear: dWeight in fixed point': changedGradients(({ dWeight: { data } }) => {
    for (let n = 0; n < data.length; n++) data[n] = Math.round(data[n]! * 256) / 256;
  }),
  'linear: dWeight forgets the rows after the first block': linear((right) => ({
    gradient(input, weights, dOutput, options) {
      const rows = sizeOf(input.shape.slice(0, -1));
      if (rows <= 256) return right.gradient!(input, weights, dOutput, options);
      const part = ({ dtype, shape, data }: Tensor): Tensor => {
        const width = shape.at(-1)!;
        return { dtype, shape: [256, width], data: data.slice(0, 256 * width) } as Tensor;
      };
      return (async () => {
        const { dInput } = await right.gradient!(input, weights, dOutput, options);
        return { ...(await right.gradient!(part(input), weights, part(dOutput), options)), dInput };
      })();
    },
  })),
  'linear: an ignored row reaches dWeight': linear((right) => ({
    async gradient(input, weights, dOutput, options) {
      const gradients = await right.gradient!(input, weights, dOutput, options);
      if (input.data.some(Number.isNaN)) gradients.dWeight.data.fill(NaN);
      return gradients;
    },
  })),
};

function roundedAll(
  { dtype }: Required<LinearProblem>,
  { dInput, dWeight, dBias }: Awaited<ReturnType<typeof referenceLinearGradient>>,
): Awaited<ReturnType<typeof referenceLinearGradient>> {
  return {
    dInput: rounded(dtype, dInput),
    dWeight: rounded(dtype, dWeight),
    ...(dBias && { dBias: rounded(dtype, dBias) }),
  };
}
