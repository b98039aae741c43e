import { type Tensor, resolveRequest, tensor } from '@heed/core';
import { computeDType } from '@heed/core/backend';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import { type Sketch, lengthsOf, requestOf } from '../../sketch.ts';
import { agreement } from '../building/agreement.ts';
import { ensure, guaranteed } from '../building/behavior.ts';

type Change = (request: CaseRequest) => CaseRequest;

/** The largest finite number of each element type. Libraries write its negative into masks. */
const LARGEST = { float32: (2 - 2 ** -23) * 2 ** 127, float64: Number.MAX_VALUE } as const;

const ALL: Sketch = { outputs: ['output', 'weights', 'logSumExp', 'statistics'] };
/** A row that is not finite has to show in these; clause `nonfinite`. */
const SHOWING: Sketch = { outputs: ['output', 'logSumExp'] };
const KEY = 2;

/** The same number in mask and bias wherever a pair is chosen, 0 elsewhere: each is finite, their sum is not. */
function twice(sketch: Sketch, sign: number, chosen: (i: number, j: number) => boolean): Change {
  const { queryLength, keyLength } = lengthsOf(sketch);
  const dtype = computeDType(sketch.dtype ?? 'float32');
  const numbers = Float64Array.from({ length: queryLength * keyLength }, (_, n) =>
    chosen(Math.floor(n / keyLength), n % keyLength) ? sign * LARGEST[dtype] : 0,
  );
  const term = (): Tensor =>
    tensor(dtype === 'float32' ? Float32Array.from(numbers) : numbers.slice(), [queryLength, keyLength]);
  return (request) => ({ ...request, mask: term(), bias: term() });
}

const ofOneKey = (_i: number, j: number): boolean => j === KEY;
const ofSomeRows = (i: number): boolean => i % 2 === 0;

/** Products of about −2e38 with the keys of odd index, and a term that takes their sum beyond float32. */
const besideProducts: Change = (request) => {
  const filled = (name: 'query' | 'key', number: (n: number) => number): Tensor => {
    const given = request[name] as Tensor<'float32'>;
    return { ...given, data: given.data.map((_, n) => number(n)) };
  };
  return {
    ...request,
    query: filled('query', () => 1e19),
    key: filled('key', (n) => -1e19 * (1 + (n % 2))),
    mask: tensor(new Float32Array(7).fill(-2e38), [7]),
  };
};

/** −30 · 2e37 is out of reach of float32 only together with the mask. */
const besideDistances: Change = (request) => ({
  ...request,
  alibiSlopes: tensor(Float32Array.of(3e37, 0.5), [2]),
  mask: tensor(new Float32Array(7).fill(-2.5e38), [7]),
});

/** SPEC.md, clause `overflow`: a sum of finite terms that becomes −∞ excludes its key. */
function excluding(): ConformanceCase[] {
  const sketches: Readonly<Record<string, Sketch>> = {
    plain: {},
    causal: { causal: true },
    window: { window: { left: 3, right: 3 } },
    softcap: { softcap: 2 },
    sinks: { sinks: true },
    'layout-blhd': { layout: 'blhd' },
    gqa: { heads: 4, kvHeads: 2 },
    float64: { dtype: 'float64' },
    'one-query': { queryLength: 1, keyLength: 1030 },
    'few-queries': { queryLength: 3, keyLength: 300 },
    'across-tiles': { batch: 1, queryLength: 65, keyLength: 129 },
  };
  const cases = Object.entries(sketches).flatMap(([name, sketch]) => [
    agreement('overflow', `sum/lowest-twice/one-key/${name}`, sketch, twice(sketch, -1, ofOneKey)),
    agreement(
      'overflow',
      `sum/lowest-twice/some-rows/${name}`,
      { ...sketch, ...ALL },
      twice(sketch, -1, ofSomeRows),
    ),
  ]);
  const gradient: Sketch = { gradient: true, sinks: true };
  const hard: Sketch = { selection: 'argmax', outputs: ['output', 'choice', 'logSumExp'] };
  return [
    ...cases,
    agreement(
      'overflow',
      'sum/lowest-twice/everywhere',
      ALL,
      twice(ALL, -1, () => true),
    ),
    agreement('overflow', 'sum/lowest-twice/one-key/argmax', hard, twice(hard, -1, ofOneKey)),
    agreement('overflow', 'sum/lowest-twice/some-rows/argmax', hard, twice(hard, -1, ofSomeRows)),
    agreement('overflow', 'sum/lowest-twice/one-key/gradient', gradient, twice(gradient, -1, ofOneKey)),
    agreement('overflow', 'sum/lowest-twice/some-rows/gradient', gradient, twice(gradient, -1, ofSomeRows)),
    agreement('overflow', 'sum/product-and-mask', { ...ALL, headDim: 1, scale: 1 }, besideProducts),
    agreement('overflow', 'sum/alibi-and-mask', ALL, besideDistances),
  ];
}

/** One that becomes +∞ makes its row non-finite, and no other. */
function showing(): ConformanceCase[] {
  const one = (i: number, j: number): boolean => i === 3 && j === KEY;
  const both = (i: number, j: number): boolean => i < 2 || one(i, j);
  const gradient: Sketch = { gradient: true };
  return [
    agreement('overflow', 'sum/highest-twice/one-pair', SHOWING, twice(SHOWING, 1, one)),
    agreement('overflow', 'sum/highest-twice/whole-rows', SHOWING, twice(SHOWING, 1, both)),
    agreement('overflow', 'sum/highest-twice/causal', { ...SHOWING, causal: true }, twice(SHOWING, 1, one)),
    agreement('overflow', 'sum/highest-twice/gradient', gradient, twice(gradient, 1, one)),
    agreement(
      'overflow',
      'sum/highest-twice/float64',
      { ...SHOWING, dtype: 'float64' },
      twice({ dtype: 'float64' }, 1, one),
    ),
    // Elsewhere a number is not finite, which may choose a slower way for all.
    agreement('overflow', 'sum/lowest-twice/beside-nan', SHOWING, (request) => {
      const key = request.key as Tensor<'float32'>;
      const data = key.data.slice();
      data[0] = NaN;
      return twice(
        SHOWING,
        -1,
        (i, j) => j === KEY || (i === 5 && j > 0),
      )({ ...request, key: { ...key, data } });
    }),
  ];
}

/** Hard attention would choose the key that is +∞, whose value is finite. */
export function overflowingHardRow(): ConformanceCase {
  const chosen = (i: number, j: number): boolean => i === 3 && j === KEY;
  const terms: Sketch = { mask: { kind: 'float', shape: [7, 7] }, bias: { shape: [7, 7] } };
  const hard: Sketch = { selection: 'argmax', ...terms };
  return guaranteed('nonfinite', 'sum-of-finite-terms/argmax', hard, async ({ backend }, id) => {
    const { problem, inputs } = resolveRequest(twice(hard, 1, chosen)(requestOf(hard, id)));
    const kernel = await backend.compile(problem);
    const { data } = (await kernel.run(inputs)).output as Tensor<'float32'>;
    await kernel.dispose();
    const wrong = data.findIndex((number, n) => Number.isFinite(number) === (Math.floor(n / 8) % 7 === 3));
    ensure(wrong === -1, `output element ${wrong} is ${data[wrong]}; row 3 alone must be non-finite`);
  });
}

export function overflowingSumCases(): ConformanceCase[] {
  return [...excluding(), ...showing()];
}
