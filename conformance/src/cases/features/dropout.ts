import { type HeedErrorCode, type Tensor, attention, mergeAttention, resolveRequest } from '@heed/core';
import { dropoutOf, zeros } from '@heed/core/backend';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { agreements } from '../building/agreement.ts';
import { behavior, ensure, ensureError, guaranteed } from '../building/behavior.ts';
import type { Purposes } from '../building/purposes.ts';
import { MANY_TILES, VARIATIONS } from '../building/variations.ts';
import { slice } from '../guarantees/batch.ts';

export const dropoutPurposes: Purposes = {
  dropout:
    'The weights that the seed drops are 0 before the values, the others are larger; nothing else changes.',
  'dropout/forward': 'Outputs have dropout, weights and statistics do not, with every feature.',
  'dropout/gradient': 'Gradients have the dropout of the forward run, with every feature.',
  'dropout/probability': 'Any probability below 1 drops its share and rescales the rest.',
  'dropout/seed': 'What is dropped follows the seed bit by bit, up to 2^53 − 1.',
  'dropout/origin': 'What is dropped is that of the place in the whole.',
  'dropout/cache': 'What is dropped does not depend on how keys and values are stored.',
  'dropout/mask-bits': 'Exactly the weights are 0 that the words of the seed drop.',
  'dropout/part-of-the-whole': 'A part drops what the whole drops there.',
  'dropout/merge': 'Parts of the keys, each at its origin, merge into the whole.',
  'dropout/one-kernel': 'One kernel serves every seed, and the same seed again gives the same bits.',
  'dropout/mistake': 'A dropout that cannot be is refused before anything is computed.',
};

const HALF = { probability: 0.5, seed: 12 };
const SEEDS = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, 2 ** 53 - 1];
const PROBABILITIES = [1e-12, 0.05, 0.1, 1 / 3, 0.9, 0.999];
const ALL = ['output', 'weights', 'logSumExp', 'statistics'] as const;
/** Origins along each axis; that of keys is within a block of four. */
const ORIGINS: Readonly<Record<string, NonNullable<Sketch['origin']>>> = {
  batch: { batch: 3 },
  head: { head: 5 },
  query: { query: 7 },
  key: { key: 13 },
  all: { batch: 1, head: 2, query: 3, key: 6 },
  large: { batch: 2 ** 31 - 1, head: 2 ** 31 - 1, query: 2 ** 31 - 1, key: 2 ** 31 - 1 },
};

export function dropoutCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {};
  for (const [name, sketch] of Object.entries(VARIATIONS)) {
    sketches[`forward/${name}`] = { ...sketch, dropout: HALF, outputs: ALL };
    sketches[`gradient/${name}`] = { ...sketch, dropout: HALF, gradient: true };
  }
  for (const probability of PROBABILITIES) {
    sketches[`probability/${probability}`] = {
      dropout: { probability, seed: 3 },
      keyLength: 40,
      gradient: true,
    };
  }
  for (const seed of SEEDS) sketches[`seed/${seed}`] = { dropout: { probability: 0.4, seed }, keyLength: 9 };
  for (const [name, origin] of Object.entries(ORIGINS)) {
    sketches[`origin/${name}`] = { dropout: HALF, origin, keyLength: 9, gradient: true };
  }
  const more: Record<string, Sketch> = {
    'forward/output-alone': {},
    'forward/weights-alone': { outputs: ['weights'] },
    'forward/statistics-alone': { outputs: ['logSumExp', 'statistics'] },
    'forward/many-batches-and-heads': { batch: 4, heads: 5, queryLength: 3 },
    'forward/many-keys': { batch: 1, queryLength: 5, keyLength: 300 },
    'forward/many-queries': { batch: 1, queryLength: 131, keyLength: 5 },
    'forward/many-tiles': { ...MANY_TILES, outputs: ALL },
    'forward/one-query-many-keys': { batch: 1, queryLength: 1, keyLength: 700 },
    'forward/float64': { dtype: 'float64', queryLength: 5, keyLength: 70 },
    'forward/float16': { dtype: 'float16', queryLength: 5, keyLength: 70 },
    'forward/bfloat16': { dtype: 'bfloat16', queryLength: 5, keyLength: 70 },
    'gradient/many-tiles': { ...MANY_TILES, gradient: true },
    'gradient/many-tiles-causal': { ...MANY_TILES, causal: true, alignment: 'bottomRight', gradient: true },
    'gradient/window-across-tiles': {
      ...MANY_TILES,
      window: { left: 20, right: 3 },
      alignment: 'bottomRight',
      gradient: true,
    },
    'gradient/bias-summed': { heads: 3, bias: { shape: [3, 1, 7] }, gradient: true },
    'gradient/softcap-bias-sinks': { softcap: 2, bias: { shape: [2, 1, 7] }, sinks: true, gradient: true },
    'gradient/few-rows-many-keys': { batch: 1, queryLength: 4, keyLength: 300, heads: 1, gradient: true },
    'gradient/head-size-80': { batch: 1, queryLength: 5, headDim: 80, gradient: true },
    'gradient/float64': { dtype: 'float64', queryLength: 5, keyLength: 70, gradient: true },
    'gradient/float16': { dtype: 'float16', queryLength: 5, keyLength: 40, gradient: true },
    'gradient/bfloat16': { dtype: 'bfloat16', queryLength: 5, keyLength: 40, gradient: true },
    'origin/many-keys': {
      batch: 1,
      queryLength: 3,
      keyLength: 300,
      origin: { key: 127, query: 1 },
      gradient: true,
    },
    'cache/float16': { cacheType: 'float16', keyLength: 40, gradient: true },
    'cache/int8': { cacheType: 'int8', keyLength: 40 },
    'cache/shared': { shared: true, batch: 3, keyLength: 40, gradient: true },
    'cache/pages': { pages: { size: 5 }, keyLength: 40 },
    'cache/ring': { ring: true, keyLengths: [30, 4], keyLength: 9 },
    'cache/value-from-key': { valueFromKey: { start: 2, length: 5 }, keyLength: 9 },
  };
  for (const [name, sketch] of Object.entries(more)) sketches[name] = { dropout: HALF, ...sketch };
  return [
    ...agreements('dropout', sketches),
    maskBits(),
    partOfWhole(),
    merging(),
    oneKernel(),
    ...mistakes(),
  ];
}

/** Values that are rows of the unit matrix make each output a row of dropped weights. */
function maskBits(): BehaviorCase {
  const keyLength = 150;
  const sketch: Sketch = { queryLength: 9, keyLength, valueDim: keyLength, dropout: HALF };
  return behavior('dropout', 'mask-bits', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const value = zeros('float32', request.value.shape);
    value.data.forEach((_, n) => {
      value.data[n] = n % keyLength === Math.floor(n / keyLength) % keyLength ? 1 : 0;
    });
    const { problem, inputs } = resolveRequest({ ...request, value });
    await using kernel = await backend.compile(problem);
    const output = (await kernel.run(inputs)).output!;
    const { kept } = dropoutOf({ dropout: HALF.probability }, { seed: HALF.seed })!;
    const [, heads, rows] = output.shape as [number, number, number];
    output.data.forEach((number, n) => {
      const row = Math.floor(n / keyLength);
      const place = [Math.floor(row / (heads * rows)), Math.floor(row / rows) % heads, row % rows] as const;
      const isKept = kept(...place, n % keyLength) !== 0;
      ensure(
        (number !== 0) === isKept,
        `the weight of key ${n % keyLength} of row [${place.join(', ')}] is ${isKept ? 'dropped' : 'kept'}`,
      );
    });
  });
}

/** Output of a part of the rows, at its origin, which is that of the whole there. */
function partOfWhole(): BehaviorCase {
  const sketch: Sketch = { batch: 3, heads: 4, queryLength: 6, keyLength: 20, dropout: HALF };
  return behavior('dropout', 'part-of-the-whole', { ...sketch, origin: {} }, async ({ backend }, id) => {
    const whole = requestOf(sketch, id);
    const part = (tensor: Tensor, rows: boolean): Tensor => {
      const cut = slice(slice(tensor, 0, 1, 2), 1, 2, 4);
      return rows ? slice(cut, 2, 3, 6) : cut;
    };
    const run = async (request: CaseRequest): Promise<Tensor> => {
      const { problem, inputs } = resolveRequest(request);
      await using kernel = await backend.compile(problem);
      return (await kernel.run(inputs)).output!;
    };
    const output = await run({
      ...whole,
      query: part(whole.query, true),
      key: part(whole.key, false),
      value: part(whole.value, false),
      origin: { batch: 1, head: 2, query: 3 },
    });
    const expected = part(await run(whole), true);
    output.data.forEach((number, n) => {
      ensure(
        Math.abs(number - expected.data[n]!) <= 1e-5,
        `number ${n} of the part is ${number}, in the whole it is ${expected.data[n]}`,
      );
    });
  });
}

function merging(): BehaviorCase {
  const sketch: Sketch = { queryLength: 5, keyLength: 40, dropout: HALF, outputs: ['output', 'statistics'] };
  return behavior('dropout', 'merge', { ...sketch, origin: {} }, async ({ backend }, id) => {
    const whole = requestOf(sketch, id);
    const cuts = [0, 7, 7, 30, 40];
    const parts = [];
    for (const [n, to] of cuts.slice(1).entries()) {
      const from = cuts[n]!;
      const { problem, inputs } = resolveRequest({
        ...whole,
        key: slice(whole.key, 2, from, to),
        value: slice(whole.value, 2, from, to),
        origin: { key: from },
      });
      await using kernel = await backend.compile(problem);
      const { output, statistics } = await kernel.run(inputs);
      parts.push({ output: output!, statistics: statistics! });
    }
    ensureAgrees(whole, mergeAttention(parts), `parts cut at ${cuts.join(', ')}, merged`);
  });
}

function oneKernel(): BehaviorCase {
  const sketch: Sketch = { queryLength: 5, keyLength: 20, dropout: HALF };
  return behavior('dropout', 'one-kernel', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const { problem, inputs } = resolveRequest(request);
    await using kernel = await backend.compile(problem);
    const run = async (seed: number): Promise<string> => {
      const results = await kernel.run({ ...inputs, seed });
      ensureAgrees({ ...request, dropout: { ...HALF, seed } }, results, `seed ${seed}`);
      return results.output!.data.join();
    };
    const first = await run(5);
    ensure((await run(6)) !== first, 'another seed drops the same weights');
    ensure((await run(5)) === first, 'the same seed drops other weights in the second run');
    const together = await Promise.all([5, 6, 5].map(run));
    ensure(together[0] === first && together[2] === first, 'runs at once have the seed of another');
  });
}

/** A case of the clause `nonfinite`. */
export function droppedValueCase(): BehaviorCase {
  const sketch: Sketch = { batch: 1, heads: 2, queryLength: 9, keyLength: 40, dropout: HALF };
  return guaranteed('nonfinite', 'dropped-value', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const run = async (given: CaseRequest): Promise<Tensor> => {
      const { problem, inputs } = resolveRequest(given);
      await using kernel = await backend.compile(problem);
      return (await kernel.run(inputs)).output!;
    };
    const before = await run(request);
    for (const wrong of [NaN, Infinity]) {
      const value = { ...request.value, data: request.value.data.slice() } as Tensor;
      // Key 37 of head 1.
      value.data[(40 + 37) * 8] = wrong;
      const output = await run({ ...request, value });
      const half = output.data.length / 2;
      for (let row = 0; row < 9; row++) {
        const numbers = Array.from(output.data.slice(half + row * 8, half + (row + 1) * 8));
        ensure(!numbers.every(Number.isFinite), `row ${row} hides ${wrong} in the value of a key`);
      }
      const untouched = output.data.slice(0, half).join() === before.data.slice(0, half).join();
      ensure(untouched, `${wrong} in a value of head 1 changes head 0`);
    }
  });
}

function mistakes(): ConformanceCase[] {
  const wrong: Record<string, readonly [HeedErrorCode, Sketch, object]> = {
    'probability-1': ['ARGUMENT', {}, { dropout: { probability: 1, seed: 1 } }],
    negative: ['ARGUMENT', {}, { dropout: { probability: -0.1, seed: 1 } }],
    'not-a-number': ['ARGUMENT', {}, { dropout: { probability: NaN, seed: 1 } }],
    'number-alone': ['ARGUMENT', {}, { dropout: 0.5 }],
    'without-a-seed': ['ARGUMENT', {}, { dropout: { probability: 0.5 } }],
    'fraction-as-seed': ['ARGUMENT', {}, { dropout: { probability: 0.5, seed: 0.5 } }],
    'wrong-seed-of-none': ['ARGUMENT', {}, { dropout: { probability: 0, seed: -1 } }],
    'seed-beside-it': ['UNEXPECTED_INPUT', {}, { dropout: HALF, seed: 1 }],
    'of-hard-attention': ['ARGUMENT', { selection: 'argmax' }, { dropout: HALF }],
    'unknown-member': ['UNKNOWN_OPTION', {}, { dropout: { ...HALF, p: 0.5 } }],
  };
  return Object.entries(wrong).map(([name, [code, sketch, more]]) =>
    behavior('dropout', `mistake/${name}`, [], async ({ backend }, id) => {
      const request = { ...requestOf(sketch, id), ...more } as CaseRequest & { gradient?: false };
      await ensureError(() => attention(backend, request), code, name);
    }),
  );
}
