import {
  type AttentionInputs,
  type HeedErrorCode,
  type QuantizedDType,
  type Tensor,
  attention,
  resolveRequest,
} from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { agreement, agreements } from '../building/agreement.ts';
import { behavior, ensureError } from '../building/behavior.ts';
import { ensureSameBits, runAll } from '../building/run-all.ts';
import type { Purposes } from '../building/purposes.ts';
import { ALL_OUTPUTS, variations } from '../building/cache-variations.ts';

const TYPES: readonly QuantizedDType[] = ['int8', 'int4x2'];

const PURPOSES: Purposes = {
  '': 'Integers times the scale of their group are the numbers of keys and values.',
  '/groups': 'Each 32 numbers of a row, or all of it, have a scale of their own.',
  '/smallest': 'The smallest integer is read as it is, though no quantizer makes it.',
  '/scale-of-0': 'A scale of 0 makes zeros; a negative one changes signs.',
  '/large-query': 'Scores of a query that would overflow before the small scales of its keys.',
  '/overflowing-output': 'An output beyond the largest float16 is infinity.',
  '/rounded-twice': 'A chosen value is an integer times its scale, in float32 or exact, rounded to 16 bits.',
  '/padding': 'NaN in scales past the length changes no bit.',
  '/non-finite': 'A scale of NaN shows in the rows that attend to its key.',
  '/resident': 'Integers and scales are allocated, written row by row and computed with.',
  '/mistake': 'Scales that do not go with the integers are refused before anything is computed.',
};

export const QUANTIZED_PURPOSES: Purposes = Object.fromEntries(
  TYPES.flatMap((type) =>
    Object.entries(PURPOSES).map(([name, purpose]) => [`cache/${type}${name}`, purpose]),
  ),
);

export function quantizedCases(): ConformanceCase[] {
  return TYPES.flatMap(casesOf);
}

function casesOf(cacheType: QuantizedDType): ConformanceCase[] {
  const one: Sketch = { batch: 1, queryLength: 1, cacheType };
  const wide: Sketch = { cacheType, queryLength: 5, keyLength: 9, headDim: 64, outputs: ALL_OUTPUTS };
  const all = variations(cacheType, { cacheType });
  // A row of int4x2 has pairs of numbers.
  all[`${cacheType}/all/value-size`] = { cacheType, valueDim: 6, outputs: ALL_OUTPUTS };
  const sketches: Record<string, Sketch> = {
    ...all,
    [`${cacheType}/groups/of-32`]: { ...wide, valueDim: 96 },
    [`${cacheType}/groups/of-32-layout-blhd`]: { ...wide, layout: 'blhd', heads: 4, kvHeads: 2 },
    [`${cacheType}/groups/one-of-32`]: { ...wide, headDim: 32 },
    [`${cacheType}/groups/whole-rows`]: { ...wide, wholeRows: true },
    [`${cacheType}/groups/whole-rows-of-40`]: { ...wide, headDim: 40 },
    [`${cacheType}/groups/one-query-many-keys`]: { ...one, heads: 4, keyLength: 1027, headDim: 64 },
    [`${cacheType}/groups/one-query-whole-rows`]: {
      ...one,
      heads: 14,
      kvHeads: 2,
      keyLength: 300,
      headDim: 64,
      wholeRows: true,
    },
    [`${cacheType}/many-keys`]: { ...one, queryLength: 5, keyLength: 1500, spread: 0.2 },
    [`${cacheType}/float16`]: { dtype: 'float16', cacheType, keyLength: 20, outputs: ALL_OUTPUTS },
    [`${cacheType}/bfloat16`]: { dtype: 'bfloat16', cacheType, queryLength: 1, keyLength: 20 },
    [`${cacheType}/shared`]: { shared: true, cacheType, keyLength: 20 },
    [`${cacheType}/argmax`]: { cacheType, keyLength: 40, selection: 'argmax', outputs: ['output', 'choice'] },
    [`${cacheType}/sample`]: {
      cacheType,
      keyLength: 40,
      selection: 'sample',
      seed: 4,
      outputs: ['weights', 'choice'],
    },
    [`${cacheType}/argmax-of-float16`]: { dtype: 'float16', cacheType, keyLength: 40, selection: 'argmax' },
  };
  const small: Sketch = { cacheType, queryLength: 5, keyLength: 9, headDim: 64 };
  const large: Sketch = { dtype: 'float16', cacheType, queryLength: 3, keyLength: 4, headDim: 64 };
  const chosen: Sketch = { dtype: 'float16', cacheType, keyLength: 40, selection: 'argmax' };
  return [
    ...agreements('cache', sketches),
    agreement('cache', `${cacheType}/smallest`, small, (request) => ({
      ...request,
      key: changed(request.key, smallest(cacheType)),
      value: changed(request.value, smallest(cacheType)),
    })),
    agreement('cache', `${cacheType}/scale-of-0`, small, (request) => ({
      ...request,
      keyScales: changed(request.keyScales!, (scale, n) => (n % 3 === 0 ? 0 : n % 3 === 1 ? -scale : scale)),
      valueScales: changed(request.valueScales!, (scale, n) =>
        n % 3 === 0 ? 0 : n % 3 === 1 ? -scale : scale,
      ),
    })),
    ...[1, 2, 5].map((group) => {
      const sketch: Sketch = {
        ...one,
        heads: group,
        kvHeads: 1,
        keyLength: 40,
        headDim: 64,
        wholeRows: true,
      };
      return agreement('cache', `${cacheType}/large-query/group-of-${group}`, sketch, largeQuery);
    }),
    agreement('cache', `${cacheType}/overflowing-output`, large, (request) => ({
      ...request,
      valueScales: changed(request.valueScales!, (scale) => 60_000 * scale),
    })),
    agreement('cache', `${cacheType}/rounded-twice`, chosen, (request) => ({
      ...request,
      value: changed(request.value, () => (cacheType === 'int8' ? 5 : 0x55)),
      valueScales: changed(request.valueScales!, () => BESIDE_A_TIE),
    })),
    padded(cacheType),
    nonFinite(cacheType),
    resident(cacheType),
    ...mistakes(cacheType),
  ];
}

/** Five times this is between two numbers of float16, and 3 · 2⁻²⁶ more, which float32 does not have. */
const BESIDE_A_TIE = ((2 ** 26 + 2 ** 15 + 3) / 5) * 2 ** -26;

/** The first query so large that its products with the integers, all positive, add up to more than float32 holds. */
function largeQuery(request: CaseRequest): CaseRequest {
  const isInt8 = request.key.dtype === 'int8';
  const [large, small] = isInt8 ? [2 ** 123, 2 ** -119] : [2 ** 125, 2 ** -123];
  return {
    ...request,
    query: changed(request.query, (element, n) => (n < 64 ? Math.abs(element) * large : element)),
    key: changed(request.key, (element) => (isInt8 ? Math.abs(element) : element & 0x77)),
    keyScales: changed(request.keyScales!, (scale) => scale * small),
  };
}

/** Puts −128, or two of −8, into every fifth element. */
function smallest(cacheType: QuantizedDType): (element: number, n: number) => number {
  return (element, n) => (n % 5 !== 0 ? element : cacheType === 'int8' ? -128 : 0x88);
}

function changed(tensor: Tensor, change: (element: number, n: number) => number): Tensor {
  return { ...tensor, data: tensor.data.map(change) } as Tensor;
}

function padded(cacheType: QuantizedDType): BehaviorCase {
  const sketch: Sketch = { cacheType, queryLength: 5, keyLength: 9, headDim: 64, keyLengths: [4, 4] };
  const spoiled = behavior('cache', `${cacheType}/padding`, sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const dOutput = dOutputOf(sketch, id);
    const past = (tensor: Tensor): Tensor =>
      changed(tensor, (element, n) => (Math.floor(n / tensor.shape[3]!) % 9 < 4 ? element : NaN));
    const dirty = {
      ...request,
      keyScales: past(request.keyScales!),
      valueScales: past(request.valueScales!),
    };
    ensureSameBits(
      await runAll(backend, dirty, dOutput),
      await runAll(backend, request, dOutput),
      'with NaN in every scale past the length',
    );
  });
  return { ...spoiled, guarantee: 'padding' };
}

function nonFinite(cacheType: QuantizedDType): BehaviorCase {
  const sketch: Sketch = {
    cacheType,
    queryLength: 5,
    keyLength: 9,
    headDim: 64,
    outputs: ['output', 'logSumExp'],
  };
  const attended = behavior('cache', `${cacheType}/non-finite`, sketch, async ({ backend }, id) => {
    const plain = requestOf(sketch, id);
    for (const name of ['keyScales', 'valueScales'] as const) {
      for (const poison of [NaN, Infinity]) {
        const request = { ...plain, [name]: changed(plain[name]!, (scale, n) => (n === 5 ? poison : scale)) };
        const { problem, inputs } = resolveRequest(request);
        await using kernel = await backend.compile(problem);
        const { output, logSumExp } = await kernel.run(inputs);
        const firstRow = output!.data.subarray(0, 64);
        const shows = name === 'keyScales' ? firstRow.every(isWrong) : firstRow.subarray(32).every(isWrong);
        if (!shows) throw new Error(`${name} of ${poison} at an attended key gives a finite output`);
        if (name === 'keyScales' && !isWrong(logSumExp!.data[0]!)) {
          throw new Error(`keyScales of ${poison} at an attended key gives a finite logSumExp`);
        }
        // Head 1 does not read it.
        if (output!.data.subarray(5 * 64, 10 * 64).some(isWrong)) {
          throw new Error(`${name} of ${poison} in head 0 reaches head 1`);
        }
      }
    }
  });
  return { ...attended, guarantee: 'nonfinite' };
}

function isWrong(number: number): boolean {
  return !Number.isFinite(number);
}

function resident(cacheType: QuantizedDType): BehaviorCase {
  const sketch: Sketch = { cacheType, queryLength: 2, keyLength: 6, headDim: 64 };
  return behavior('cache', `${cacheType}/resident`, sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const names = ['key', 'value', 'keyScales', 'valueScales'] as const;
    const cache: Partial<Record<(typeof names)[number], Awaited<ReturnType<typeof backend.upload>>>> = {};
    for (const name of names) {
      const whole = request[name]!;
      const tensor = await backend.allocate(whole.dtype, whole.shape);
      for (let start = 0; start < 6; start += 2) {
        await tensor.write(rows(whole, start, 2), { axis: 2, start });
      }
      cache[name] = tensor;
    }
    const { problem, inputs } = resolveRequest({ ...request, ...cache } as never);
    await using kernel = await backend.compile(problem);
    ensureAgrees(request, await kernel.run(inputs), `integers of ${cacheType} and their scales are resident`);
    for (const name of names) cache[name]!.dispose();
  });
}

/** Rows of the length axis of `[B, H, L, D]`. */
function rows(tensor: Tensor, start: number, count: number): Tensor {
  const [batch, heads, length, depth] = tensor.shape as [number, number, number, number];
  const data = tensor.data.filter((_, n) => {
    const row = Math.floor(n / depth) % length;
    return row >= start && row < start + count;
  });
  return { ...tensor, shape: [batch, heads, count, depth], data } as Tensor;
}

function mistakes(cacheType: QuantizedDType): ConformanceCase[] {
  const sketch: Sketch = { cacheType, queryLength: 3, keyLength: 4, headDim: 64 };
  const floats = requestOf({ ...sketch, cacheType: 'float32' }, 'floats');
  const scales = (count: number): Tensor => ({
    dtype: 'float32',
    shape: [2, 2, 4, count],
    data: new Float32Array(16 * count),
  });
  const wrong: Record<string, readonly [HeedErrorCode, (request: CaseRequest) => object]> = {
    'no-scales': ['MISSING_INPUT', ({ keyScales: _, ...rest }) => rest],
    'scales-of-16': ['SHAPE', (r) => ({ ...r, keyScales: scales(4) })],
    'scales-of-no-group': ['SHAPE', (r) => ({ ...r, valueScales: scales(3) })],
    'scales-of-other-rows': ['SHAPE', (r) => ({ ...r, valueScales: rows(r.valueScales as Tensor, 0, 3) })],
    'scales-of-float64': [
      'DTYPE',
      (r) => ({ ...r, keyScales: { ...r.keyScales!, dtype: 'float64', data: new Float64Array(32) } }),
    ],
    'scales-of-floats': ['UNEXPECTED_INPUT', (r) => ({ ...floats, keyScales: r.keyScales })],
    'value-of-floats': ['DTYPE', (r) => ({ ...r, value: floats.value })],
    gradient: ['NOT_DIFFERENTIABLE', (r) => ({ ...r, gradient: true })],
  };
  return [
    ...Object.entries(wrong).map(([name, [code, change]]) =>
      behavior('cache', `${cacheType}/mistake/${name}`, [], async ({ backend }, id) => {
        const request = change(requestOf(sketch, id)) as CaseRequest & { gradient?: false };
        await ensureError(() => attention(backend, request), code, name);
      }),
    ),
    behavior('cache', `${cacheType}/mistake/run`, sketch, async ({ backend }, id) => {
      const request = requestOf(sketch, id);
      const { problem, inputs } = resolveRequest(request);
      await using kernel = await backend.compile(problem);
      const run = (more: object) => (): unknown => kernel.run({ ...inputs, ...more } as AttentionInputs);
      await ensureError(run({ keyScales: undefined }), 'MISSING_INPUT', 'a run without keyScales');
      await ensureError(run({ valueScales: scales(3) }), 'SHAPE', 'scales of another group');
      await ensureError(run({ key: floats.key }), 'DTYPE', 'keys of float32');
      ensureAgrees(request, await kernel.run(inputs), 'after three mistakes');
    }),
  ];
}
