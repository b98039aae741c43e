import { type HalfDType, type Tensor, cast, resolveRequest } from '@heed/core';
import { numbersOf } from '@heed/core/backend';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import { type Sketch, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { agreement, agreements } from '../building/agreement.ts';
import { behavior, ensure } from '../building/behavior.ts';
import { VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

const DTYPES: readonly HalfDType[] = ['float16', 'bfloat16'];

const PURPOSES: Purposes = {
  all: 'Scores, weights and sums are float32; results are rounded once, to nearest.',
  output: 'The same for a backend that returns the output alone.',
  gradient: 'Gradients are summed in float32 and rounded once, to nearest.',
  'large-scores': 'Scores beyond the largest float16 are float32 numbers like any other.',
  'many-keys-one-query': 'A decoding step loses nothing to the type.',
  'many-keys': 'A long sum of small weights loses nothing to the type.',
  'equal-keys': 'A sum of ones does not end where the next one is too small for the type: 2048 in float16.',
  'large-values': 'Values are summed in float32 before they are divided: two of 40,000 exceed float16.',
  subnormal: 'Numbers below the smallest normal one of float16 are not taken for 0.',
  'overflowing-gradient': 'A gradient beyond the largest number of the type rounds to infinity.',
  'non-finite': 'NaN stays NaN; an infinity would pass for a large number.',
  padding: 'NaN in keys past the length reaches nothing.',
  argmax: 'Hard attention returns the chosen value, to the bit.',
  sample: 'Hard attention returns the chosen value, to the bit.',
  resident: 'A cache of the type is written, read, gathered and computed with in the backend’s memory.',
};

/** bfloat16 has the range of float32. */
const FLOAT16_ONLY: ReadonlySet<string> = new Set(['overflowing-gradient', 'large-values']);

export const halfPurposes: Purposes = Object.fromEntries(
  DTYPES.flatMap((dtype) =>
    Object.entries(PURPOSES)
      .filter(([name]) => dtype === 'float16' || !FLOAT16_ONLY.has(name))
      .map(([name, purpose]) => [`dtype/${dtype}/${name}`, purpose]),
  ),
);

/** One variation for each way in which a tensor of the type is read or written. */
const FORWARD = [
  'plain',
  'more-keys',
  'one-query',
  'no-keys',
  'peaked',
  'layout-blhd',
  'value-size',
  'gqa-one-key-head',
  'boolean-mask',
  'float-mask',
  'bias-with-exclusions',
  'causal-bottom-right',
  'window',
  'key-lengths',
  'alibi',
  'softcap',
  'sinks-and-empty-rows',
  'across-tiles',
] as const;
const GRADIENT = ['plain', 'layout-blhd', 'gqa', 'bias', 'softcap', 'sinks', 'across-tiles'] as const;

/** Fewer cases than float64 has: what depends on the type is how tensors are read and results rounded. */
export function halfCases(): ConformanceCase[] {
  return DTYPES.flatMap((dtype) => {
    const sketches: Record<string, Sketch> = {
      // The sum of 3000 weights, each far below the last place of the sum in either type.
      'many-keys': { dtype, batch: 1, queryLength: 2, keyLength: 3000, spread: 0.2 },
      'many-keys-one-query': { dtype, batch: 1, heads: 4, kvHeads: 2, queryLength: 1, keyLength: 1500 },
    };
    for (const selection of ['argmax', 'sample'] as const) {
      const seed = selection === 'sample' ? { seed: 11 } : {};
      sketches[selection] = {
        dtype,
        selection,
        ...seed,
        keyLength: 40,
        outputs: ['output', 'weights', 'choice'],
      };
    }
    for (const name of FORWARD) {
      const outputs = ['output', 'weights', 'logSumExp', 'statistics'] as const;
      sketches[`all/${name}`] = { ...VARIATIONS[name]!, dtype, outputs };
      sketches[`output/${name}`] = { ...VARIATIONS[name]!, dtype, outputs: ['output'] };
    }
    for (const name of GRADIENT)
      sketches[`gradient/${name}`] = { ...VARIATIONS[name]!, dtype, gradient: true };
    const named = Object.entries(sketches).map(([name, sketch]) => [`${dtype}/${name}`, sketch] as const);
    const small: Sketch = { dtype, queryLength: 5, keyLength: 9 };
    const oneKey: Sketch = { dtype, queryLength: 9, keyLength: 1, gradient: true };
    const overflowing = agreement('dtype', `${dtype}/overflowing-gradient`, oneKey);
    return [
      ...agreements('dtype', Object.fromEntries(named)),
      // Products of 40,000, eight of them: beyond 65,504, and beyond the digits of either type.
      agreement('dtype', `${dtype}/large-scores`, small, (request) => ({
        ...request,
        scale: 1,
        query: scaled(request.query, 200),
        key: scaled(request.key, 200),
        logSumExp: true,
      })),
      agreement('dtype', `${dtype}/subnormal`, small, (request) => ({
        ...request,
        query: scaled(request.query, 2 ** -17),
        key: scaled(request.key, 2 ** 13),
        scale: 16,
      })),
      ...([1, 5] as const).map((queryLength) =>
        agreement(
          'dtype',
          `${dtype}/equal-keys/${queryLength}`,
          { dtype, batch: 1, heads: 1, queryLength, keyLength: 4096 },
          (request) => ({ ...request, key: scaled(request.key, 0), value: filled(request.value, 1) }),
        ),
      ),
      // Sums of nine numbers of up to 63,750. Those of bfloat16 that overflow it overflow float32, too.
      ...(dtype === 'float16'
        ? [
            { ...overflowing, dOutput: () => scaled(overflowing.dOutput!(), 15_000) },
            ...([1, 5] as const).map((queryLength) =>
              agreement(
                'dtype',
                `float16/large-values/${queryLength}`,
                { ...small, queryLength },
                (request) => ({
                  ...request,
                  value: filled(request.value, 40_000),
                }),
              ),
            ),
          ]
        : []),
      {
        ...behavior(
          'dtype',
          `${dtype}/padding`,
          { ...small, keyLengths: [4, 9] },
          async ({ backend }, id) => {
            const request = pastLength(requestOf({ ...small, keyLengths: [4, 9] }, id));
            const { problem, inputs } = resolveRequest(request);
            await using kernel = await backend.compile(problem);
            ensureAgrees(request, await kernel.run(inputs), `${dtype} past the length is NaN`);
          },
        ),
        guarantee: 'padding' as const,
      },
      {
        ...behavior('dtype', `${dtype}/non-finite`, small, async ({ backend }, id) => {
          const clean = requestOf(small, id);
          const { problem, inputs } = resolveRequest(clean);
          await using kernel = await backend.compile(problem);
          const output = numbersOf((await kernel.run(inputs)).output!);
          const dirty = numbersOf((await kernel.run(resolveRequest(withNaN(clean)).inputs)).output!);
          // Rows are [B, H, L], and those of the first key/value head come first.
          const { heads, kvHeads, queryLength, valueDim } = problem;
          const reached = (heads / kvHeads) * queryLength;
          for (let r = 0; r < problem.batch * heads * queryLength; r++) {
            const row = (of: typeof dirty): number[] => [...of.subarray(r * valueDim, (r + 1) * valueDim)];
            if (r < reached) {
              const spoilt = row(dirty).some(Number.isNaN);
              ensure(spoilt, `one value of ${dtype} is NaN: row ${r} has ${row(dirty).join()}; expected NaN`);
            } else {
              const same = row(dirty).join() === row(output).join();
              ensure(
                same,
                `one value of ${dtype} is NaN: row ${r}, which does not attend to it, has other bits`,
              );
            }
          }
        }),
        guarantee: 'nonfinite' as const,
      },
      behavior('dtype', `${dtype}/resident`, small, async ({ backend }, id) => {
        const request = requestOf(small, id);
        const key = await backend.allocate(dtype, request.key.shape);
        const value = await backend.upload(request.value);
        // An odd number of elements a row, and a row at a time: words hold two.
        const odd = requestOf({ ...small, headDim: 3 }, id).key;
        const cache = await backend.allocate(dtype, odd.shape);
        for (let j = 0; j < 9; j++) await cache.write(rowOf(odd, j), { axis: 2, start: j });
        await key.write(request.key, { axis: 0, start: 0 });
        ensureSame(odd, await cache.read(), 'after nine rows were written');
        const second = await cache.gather([1]);
        await cache.reorder([1, 0]);
        ensureSame(
          await second.read(),
          await cache.read({ axis: 0, start: 0, length: 1 }),
          'after reorder()',
        );
        const { problem, inputs } = resolveRequest({ ...request, key, value } as never);
        await using kernel = await backend.compile(problem);
        const { output } = await kernel.run(inputs, { resident: true });
        ensureAgrees(request, { output: await output!.read() }, `key and value of ${dtype} are resident`);
        for (const tensor of [key, value, cache, second, output!]) tensor.dispose();
      }),
    ];
  });
}

function scaled(tensor: Tensor, factor: number): Tensor {
  const { shape, data } = cast(tensor, 'float64');
  return cast(
    { dtype: 'float64', shape, data: data.map((number) => number * factor) },
    tensor.dtype as HalfDType,
  );
}

function filled(tensor: Tensor, number: number): Tensor {
  const { shape, data } = cast(tensor, 'float64');
  return cast({ dtype: 'float64', shape, data: data.fill(number) }, tensor.dtype as HalfDType);
}

/** One value of the first head, of a key that every row attends to. */
function withNaN(request: CaseRequest): CaseRequest {
  const { shape, data } = cast(request.value, 'float64');
  data[3] = NaN;
  return { ...request, value: cast({ dtype: 'float64', shape, data }, request.value.dtype as HalfDType) };
}

/** Keys and values from 4 on in the first batch element, where they are padding. */
function pastLength(request: CaseRequest): CaseRequest {
  const poisoned = (tensor: Tensor): Tensor => {
    const { shape, data } = cast(tensor, 'float64');
    const [, heads, length, depth] = shape as [number, number, number, number];
    for (let h = 0; h < heads; h++) data.fill(NaN, (h * length + 4) * depth, (h + 1) * length * depth);
    return cast({ dtype: 'float64', shape, data }, tensor.dtype as HalfDType);
  };
  return { ...request, key: poisoned(request.key), value: poisoned(request.value) };
}

function rowOf({ dtype, shape, data }: Tensor, j: number): Tensor {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  const rows = Array.from({ length: batch * heads }, (_, n) => {
    const start = (n * length + j) * depth;
    return [...data.subarray(start, start + depth)];
  });
  return { dtype, shape: [batch, heads, 1, depth], data: Uint16Array.from(rows.flat()) } as Tensor;
}

function ensureSame(expected: Tensor, actual: Tensor, when: string): void {
  ensure(
    actual.dtype === expected.dtype,
    `${when} the tensor is ${actual.dtype}; expected ${expected.dtype}`,
  );
  ensure(actual.data.join() === expected.data.join(), `${when} the bits are others`);
}
