import { type BlockType, type LinearProblem, type StoredType, type StoredWeight, cast } from '@heed/core';
import { BLOCK_BYTES, BLOCK_LENGTH, STORED_TYPES, isBlockType, toHalf } from '@heed/core/backend';
import type { BehaviorCase, Subject } from '../../../case.ts';
import { linearFault } from '../../../judge/linear.ts';
import { type Random, randomFrom } from '../../../random.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { rowsOf } from './rows.ts';
import { type LinearSetting, type LinearSketch, outputOf, settingOf, withWeights } from './sketch.ts';

type StoredSetting = LinearSetting<StoredWeight>;

/** Bits of a float16. */
function half(number: number): number {
  const bits = new Uint16Array(1);
  toHalf('float16', [number], bits);
  return bits[0]!;
}

/**
 * Random blocks: scales and minimums of both signs, every value of the integers.
 *
 * @param spread standard deviation of the numbers, about.
 */
function randomBlocks(
  dtype: BlockType,
  shape: readonly [number, number],
  spread: number,
  random: Random,
): StoredWeight {
  const bytes = BLOCK_BYTES[dtype];
  const count = (shape[0] * shape[1]) / BLOCK_LENGTH;
  const data = Uint8Array.from({ length: count * bytes }, () => Math.floor(256 * random.uniform()));
  const put = (at: number, number: number): void => {
    const bits = half(number);
    data[at] = bits & 0xff;
    data[at + 1] = bits >> 8;
  };
  for (let at = 0; at < data.length; at += bytes) {
    put(at, (spread * random.normal()) / (dtype === 'q8_0' ? 74 : 4.6));
    if (dtype === 'q4_1') put(at + 2, spread * random.normal());
  }
  return { dtype, shape, data };
}

/** Random numbers for a sketch whose weight is stored in a type, the same each time. */
export function storedSetting(type: StoredType, sketch: LinearSketch, seed: string): StoredSetting {
  const setting = settingOf(sketch, seed);
  const { problem, parameters } = setting;
  const weight: StoredWeight = isBlockType(type)
    ? randomBlocks(
        type,
        parameters.weight.shape as [number, number],
        sketch.spread ?? 1,
        randomFrom(`${seed} blocks`),
      )
    : cast(parameters.weight, type);
  return { ...setting, problem: { ...problem, weightType: type }, parameters: { ...parameters, weight } };
}

/** A case of one type of weights, for backends that declare it. */
function storedCase(
  type: StoredType,
  name: string,
  sketch: LinearSketch,
  run: (subject: Subject & { readonly setting: StoredSetting }, id: string) => Promise<void>,
): BehaviorCase {
  const theCase = behavior('linear', `weights/${type}/${name}`, [], (subject, id) =>
    run({ ...subject, setting: storedSetting(type, sketch, id) }, id),
  );
  return { ...theCase, operations: ['linear'], weightType: type };
}

async function ensureRight({ backend }: Subject, setting: StoredSetting, seed: string): Promise<void> {
  const output = await outputOf(backend, setting);
  const { problem, parameters, input } = setting;
  const fault = linearFault(problem, parameters, input, output, seed);
  ensure(
    fault === null,
    `${JSON.stringify(problem)}, rows [${input.shape.slice(0, -1).join(', ')}], seed "${seed}": ${fault}`,
  );
}

const VALUES: Readonly<Record<string, LinearSketch>> = {
  'one-block': { inputDim: 32, outputDim: 1, rows: [1] },
  'one-row': { inputDim: 160, outputDim: 100, rows: [1], bias: true },
  'two-rows': { inputDim: 96, outputDim: 67, rows: [2] },
  'several-panels': { inputDim: 64, outputDim: 99, rows: [13], bias: true },
  'many-rows': { inputDim: 32, outputDim: 40, rows: [5, 27], bias: true },
  'several-tiles': { inputDim: 64, outputDim: 300, rows: [50] },
  'long-sums': { inputDim: 3072, outputDim: 9, rows: [3], bias: true },
  'no-rows': { inputDim: 32, outputDim: 4, rows: [2, 0], bias: true },
  'large-numbers': { inputDim: 64, outputDim: 20, rows: [4], spread: 1e3 },
  'subnormal-scales': { inputDim: 64, outputDim: 40, rows: [4], spread: 1e-5 },
  activated: { inputDim: 64, outputDim: 33, rows: [6], bias: true, activation: 'silu' },
};

/** For types without blocks. */
const ODD: Readonly<Record<string, LinearSketch>> = {
  'odd-widths': { inputDim: 7, outputDim: 5, rows: [2, 3], bias: true },
  'one-output': { inputDim: 33, outputDim: 1, rows: [9], bias: true },
};

function valueCases(type: StoredType): BehaviorCase[] {
  const sketches = isBlockType(type) ? VALUES : { ...VALUES, ...ODD };
  return [
    ...Object.entries(sketches).map(([name, sketch]) =>
      storedCase(type, name, sketch, (subject, id) => ensureRight(subject, subject.setting, id)),
    ),
    storedCase(type, 'random', { inputDim: 32, outputDim: 1 }, async (subject, id) => {
      const random = randomFrom(id);
      const upTo = (end: number): number => 1 + Math.floor(end * random.uniform());
      for (let n = 0; n < 8; n++) {
        const sketch: LinearSketch = {
          inputDim: isBlockType(type) ? BLOCK_LENGTH * upTo(8) : upTo(200),
          outputDim: upTo(150),
          rows: [upTo(n % 2 === 0 ? 3 : 40)],
          bias: random.uniform() < 0.5,
          spread: 10 ** (3 * random.uniform() - 2),
        };
        const seed = `${id} ${n}`;
        await ensureRight(subject, storedSetting(type, sketch, seed), seed);
      }
    }),
  ];
}

function guaranteeCases(type: StoredType): BehaviorCase[] {
  const sketch: LinearSketch = { inputDim: 96, outputDim: 70, rows: [29], bias: true };
  const batch = storedCase(type, 'batch', { ...sketch, rows: [103] }, async ({ backend, setting }) => {
    const { input } = setting;
    const output = await outputOf(backend, setting);
    await withWeights(backend, setting, async (kernel, weights) => {
      for (const [first, end] of [
        [0, 1],
        [28, 29],
        [3, 5],
        [1, 4],
        [20, 24],
        [7, 12],
        [2, 8],
        [10, 17],
        [40, 48],
        [11, 20],
        [17, 29],
        [95, 103],
      ] as const) {
        const part = await kernel.run({ input: rowsOf(input, first, end), weights });
        const expected = { output: rowsOf(output, first, end) };
        ensureSameBits({ ...part }, expected, `rows ${first} … ${end - 1} of 103 alone`);
      }
    });
  });
  const repeat = storedCase(type, 'repeat', sketch, async ({ backend, setting }) => {
    const { input } = setting;
    const output = await outputOf(backend, setting);
    await withWeights(backend, setting, async (kernel, weights) => {
      const runs = Array.from({ length: 3 }, () => kernel.run({ input, weights }));
      for (const results of await Promise.all(runs))
        ensureSameBits({ ...results }, { output }, 'another run');
    });
  });
  const nonfinite = storedCase(type, 'nonfinite', sketch, async ({ backend, setting }) => {
    const { input, problem } = setting;
    const output = await outputOf(backend, setting);
    for (const value of [NaN, Infinity]) {
      const spoiled = structuredClone(input);
      spoiled.data[4 * problem.inputDim + 37] = value;
      const actual = await outputOf(backend, { ...setting, input: spoiled });
      const row = rowsOf(actual, 4, 5).data;
      ensure(
        row.every((element) => !Number.isFinite(element)),
        `${value} in a row leaves finite numbers in its output`,
      );
      actual.data.set(rowsOf(output, 4, 5).data, 4 * problem.outputDim);
      ensureSameBits({ output: actual }, { output }, `rows beside one with ${value}`);
    }
  });
  return [
    { ...batch, guarantee: 'batch' },
    { ...repeat, guarantee: 'repeat' },
    { ...nonfinite, guarantee: 'nonfinite' },
  ];
}

function lifeCases(type: StoredType): BehaviorCase[] {
  const sketch: LinearSketch = { inputDim: 64, outputDim: 20, rows: [2, 5], bias: true };
  return [
    storedCase(type, 'kept', sketch, async ({ backend, setting }) => {
      const output = await outputOf(backend, setting);
      const given = structuredClone(setting.parameters);
      await withWeights(backend, { ...setting, parameters: given }, async (kernel, weights) => {
        given.weight.data.fill(0x7f);
        const results = await kernel.run({ input: setting.input, weights });
        ensureSameBits({ ...results }, { output }, 'after a change to the original weights');
      });
    }),
    storedCase(type, 'resident', sketch, async ({ backend, setting }) => {
      const output = await outputOf(backend, setting);
      await withWeights(backend, setting, async (kernel, weights) => {
        const input = await backend.upload(setting.input);
        const results = await kernel.run({ input, weights }, { resident: true });
        ensureSameBits({ output: await results.output.read() }, { output }, 'resident input and output');
        input.dispose();
        results.output.dispose();
      });
    }),
    storedCase(type, 'errors', sketch, async ({ backend, setting }, id) => {
      const { problem, parameters } = setting;
      const { weight, bias } = parameters;
      const linear = backend.linear!;
      const compiled = (change: object) => () => linear.compile({ ...problem, ...change } as LinearProblem);
      await ensureError(compiled({ gradient: true }), 'NOT_DIFFERENTIABLE', 'a gradient of stored weights');
      await ensureError(compiled({ dtype: 'float64' }), 'ARGUMENT', 'stored weights beside float64');
      if (isBlockType(type)) {
        await ensureError(compiled({ inputDim: 33 }), 'ARGUMENT', 'rows that are not whole blocks');
      }
      await withWeights(backend, setting, async (kernel, weights) => {
        const packing = (given: object) => () => kernel.pack({ ...parameters, ...given } as never);
        const dense = settingOf(sketch, id).parameters.weight;
        await ensureError(packing({ weight: undefined }), 'MISSING_INPUT', 'no weight');
        await ensureError(packing({ weight: dense }), 'DTYPE', 'a weight of another type');
        const turned = { ...weight, shape: weight.shape.toReversed() };
        await ensureError(packing({ weight: turned }), 'SHAPE', 'a weight of another shape');
        await ensureError(packing({ bias: undefined }), 'MISSING_INPUT', 'no bias');
        const code = isBlockType(type) ? 'ARGUMENT' : 'SHAPE';
        const short = { ...weight, data: weight.data.slice(1) };
        await ensureError(packing({ weight: short }), code, 'a weight with too little data');
        const other = { ...weight, data: Array.from(weight.data) };
        await ensureError(
          packing({ weight: other }),
          isBlockType(type) ? 'ARGUMENT' : 'DTYPE',
          'an array for bytes',
        );
        const results = await kernel.run({ input: setting.input, weights });
        const fault = linearFault(problem, { weight, bias }, setting.input, results.output);
        ensure(fault === null, `after mistakes: ${fault}`);
      });
    }),
  ];
}

/** A type is accepted if it is declared, and refused if it is not. */
function declarationCase(type: StoredType): BehaviorCase {
  const theCase = behavior('linear', `weights/declared/${type}`, [], async ({ backend }) => {
    const problem = { inputDim: 32, outputDim: 8, weightType: type };
    if (backend.capabilities.weightTypes?.includes(type)) {
      await (await backend.linear!.compile(problem)).dispose();
    } else {
      await ensureError(() => backend.linear!.compile(problem), 'UNSUPPORTED', `weights in ${type}`);
    }
  });
  return { ...theCase, operations: ['linear'] };
}

/** Weights in 16 bits and in blocks. */
export function linearStoredCases(): BehaviorCase[] {
  return STORED_TYPES.flatMap((type) => [
    declarationCase(type),
    ...valueCases(type),
    ...guaranteeCases(type),
    ...lifeCases(type),
  ]);
}
