import { type Tensor, tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';
import { overflowingSumCases } from './overflowing-sums.ts';

export const overflowPurposes: Purposes = {
  overflow: 'Large numbers give finite, right rows.',
  'overflow/control': 'Scores near 100 give finite, right rows: the maximum is subtracted.',
  'overflow/scores-1e4': 'Scores of ±1e4 give finite, right rows, statistics and gradients.',
  'overflow/scores-100': 'Scores near 100 give right statistics and gradients.',
  'overflow/equal-scores': 'Rows whose scores are all equal, or large, are right.',
  'overflow/one-huge-key':
    'One key far larger than all others, wherever it stands, gives finite, right rows.',
  'overflow/one-huge-key-first': 'One huge key in front does not spoil the keys after it.',
  'overflow/huge-values': 'Values near the largest number, with weights below 1, give a finite output.',
  'overflow/tiny-values': 'Values near the smallest normal number are not lost.',
  'overflow/mask': 'A finite number in a mask is a number like any other, however low.',
  'overflow/mask/lowest-row': 'A row of −3.4e38 everywhere is uniform, not empty and not NaN.',
  'overflow/mask/lowest-everywhere': 'A mask of −3.4e38 everywhere changes nothing but the logarithm.',
  'overflow/mask/minus-1e12-everywhere':
    'Scores that float32 cannot tell apart, near −1e12, give the rows that float32 has.',
  'overflow/bias': 'A finite number in a bias is a number like any other, however low or high.',
  'overflow/small-products':
    'A term beside the product makes scores large: no bound on queries and keys says how large.',
  'overflow/tiny-queries':
    'Queries whose squares vanish, with a scale that makes up for it, have right scores.',
  'overflow/sum/lowest-twice':
    'A key whose finite mask and bias add up to −∞ in the type of scores has weight 0; a row of such keys is empty.',
  'overflow/sum/product-and-mask': 'A product and a mask that add up to −∞ in float32 exclude the key.',
  'overflow/sum/alibi-and-mask': 'ALiBi and a mask that add up to −∞ in float32 exclude the key.',
  'overflow/sum/highest-twice': 'Finite terms that add up to +∞ make their row non-finite, and no other.',
  'overflow/smallest-weights': 'A weight that is the smallest normal number is not cut to 0.',
};

type Change = (request: CaseRequest) => CaseRequest;

/** The lowest number that libraries write into masks: that of float32, near enough. */
const LOWEST = -3.4e38;

const ALL: Sketch = { outputs: ['output', 'weights', 'logSumExp', 'statistics'] };

function fill(name: 'query' | 'key' | 'value', number: (n: number, given: number) => number): Change {
  return (request) => {
    const given = request[name] as Tensor<'float32'>;
    return { ...request, [name]: { ...given, data: given.data.map((old, n) => number(n, old)) } };
  };
}

/** A float mask or bias [Lq=7, Lk=7] from a function of its row and column. */
function square(name: 'mask' | 'bias', number: (i: number, j: number) => number): Change {
  const data = Float32Array.from({ length: 49 }, (_, n) => number(Math.floor(n / 7), n % 7));
  return (request) => ({ ...request, [name]: tensor(data.slice(), [7, 7]) });
}

const lowestRows = (i: number): number => (i % 2 === 0 ? LOWEST : 0);

/** Every score is near −1e12, where float32 has steps of 65,536 and an engine with more digits has differences. */
const farDown: Change = (request) =>
  square('bias', (i, j) => 3e4 * ((i + j) % 3) - 3e4)(square('mask', () => -1e12)(request));

/** One term makes scores large that are small as products: an engine that looks at queries and keys alone is misled. */
function besideSmallProducts(): ConformanceCase[] {
  const length = 32;
  const sketch: Sketch = { batch: 1, queryLength: length, headDim: 1, spread: 0.1 };
  const float32 = (size: number, number: (n: number) => number): Float32Array =>
    Float32Array.from({ length: size }, (_, n) => number(n));
  const terms: Record<string, () => Partial<CaseRequest>> = {
    alibi: () => ({
      alibiSlopes: tensor(
        float32(2, (h) => 60 * h - 30),
        [2],
      ),
    }),
    bias: () => ({
      bias: tensor(
        float32(length, (j) => 100 * (j % 5)),
        [length],
      ),
    }),
    'float-mask': () => ({
      mask: tensor(
        float32(length, (j) => 100 * (j % 5)),
        [length],
      ),
    }),
    sinks: () => ({
      sinks: tensor(
        float32(2, (h) => 400 * h - 200),
        [2],
      ),
    }),
  };
  return Object.entries(terms).map(([name, term]) =>
    agreement('overflow', `small-products/${name}`, sketch, (request) => ({ ...request, ...term() })),
  );
}

/**
 * Numbers whose squares, or whose products with exponentials, are outside of float32, while the scores and their softmax
 * are well inside: an engine that decides by lengths of queries and keys is misled.
 */
function besideLargeSquares(): ConformanceCase[] {
  const sketch: Sketch = { batch: 1, queryLength: 32, headDim: 1 };
  const scaled: Sketch = { ...sketch, scale: 1e15 };
  const tiny: Change = (request) =>
    fill('query', (_, old) => 1e-25 * old)(fill('key', (_, old) => 1e15 * old)(request));
  const large: Change = (request) =>
    [fill('query', () => 1), fill('key', (n) => 27 + (n % 3)), fill('value', (_, old) => 1e35 * old)].reduce(
      (changed, change) => change(changed),
      request,
    );
  return [
    agreement('overflow', 'tiny-queries/large-scale', scaled, tiny),
    agreement('overflow', 'tiny-queries/large-scale/causal', { ...scaled, causal: true }, tiny),
    agreement('overflow', 'huge-values/scores-near-30', sketch, large),
    agreement('overflow', 'huge-values/scores-near-30/causal', { ...sketch, causal: true }, large),
    agreement('overflow', 'huge-values/scores-near-30/some-rows', sketch, (request) =>
      fill('query', (n) => (n % 2 === 0 ? 1 : 30))(large(request)),
    ),
  ];
}

/**
 * Two keys of which one gets a weight next to the smallest normal number, and a value that makes it count. The value of
 * the other makes room for exponentials of GPUs, which are off by x roundings at −x.
 */
function smallestWeights(): ConformanceCase[] {
  const sketch: Sketch = { batch: 1, heads: 1, queryLength: 5, keyLength: 2, headDim: 1, scale: 1 };
  const of = (least: number, greatest: number, request: CaseRequest): CaseRequest => {
    const filled = (name: 'query' | 'key' | 'value', number: (n: number) => number): Partial<CaseRequest> => {
      const given = request[name] as Tensor;
      return { [name]: { ...given, data: given.data.map((_, n) => number(n)) } as Tensor };
    };
    return {
      ...request,
      ...filled('query', () => 1),
      ...filled('key', (n) => n * least),
      ...filled('value', (n) => (n === 0 ? 1000 : greatest)),
    };
  };
  return [
    agreement('overflow', 'smallest-weights', sketch, (request) => of(-87.25, 3e38, request)),
    agreement('overflow', 'smallest-weights/float64', { ...sketch, dtype: 'float64' }, (request) =>
      of(-708.25, 1.5e308, request),
    ),
  ];
}

export function overflowCases(): ConformanceCase[] {
  const changed: Record<string, Change> = {
    'equal-scores/zero': fill('query', () => 0),
    'equal-scores/large': fill('key', (n) => 300 * ((n % 8) - 3)),
    'one-huge-key': fill('key', (n, old) => (Math.floor(n / 8) % 7 === 4 ? 1e4 * old : old)),
    'one-huge-key-first': fill('key', (n, old) => (Math.floor(n / 8) % 7 === 0 ? 1e4 * old : old)),
    'huge-values': fill('value', (_, old) => 1e30 * old),
    'tiny-values': fill('value', (_, old) => 1e-30 * old),
    'mask/lowest-row': square('mask', lowestRows),
    'mask/lowest-everywhere': square('mask', () => LOWEST),
    'mask/lowest-half-of-a-row': square('mask', (i, j) => (j < i ? LOWEST : 0)),
    'mask/lowest-and-excluded': square('mask', (i, j) => (j === i ? -Infinity : lowestRows(i))),
    'mask/minus-1e9': square('mask', (i, j) => (j > i ? -1e9 : 0)),
    'mask/plus-1e30': square('mask', (i, j) => (j === i ? 1e30 : 0)),
    'mask/minus-1e10-everywhere': square('mask', () => -1e10),
    'mask/minus-1e12-everywhere': farDown,
    'bias/lowest-row': square('bias', lowestRows),
    'bias/minus-1e4': square('bias', () => -1e4),
    'bias/plus-1e4': square('bias', () => 1e4),
    'bias/steps-of-100': square('bias', (i, j) => 100 * ((i * j) % 5)),
  };
  return [
    ...agreements('overflow', {
      control: { spread: 100, queryLength: 33 },
      'scores-1e4': { spread: 1e4, queryLength: 33 },
      'scores-1e4/causal': { spread: 1e4, queryLength: 33, causal: true },
      'scores-1e4/across-tiles': { spread: 1e4, batch: 1, queryLength: 65, keyLength: 129 },
      'scores-1e4/softcap': { spread: 1e4, queryLength: 33, softcap: 30 },
      'scores-1e4/sinks': { spread: 1e4, queryLength: 33, sinks: true },
      'scores-1e4/all-outputs': { ...ALL, spread: 1e4, queryLength: 33 },
      'scores-1e4/gradient': { gradient: true, spread: 1e4, queryLength: 33 },
      'scores-100/all-outputs': { ...ALL, spread: 100, queryLength: 33 },
      'scores-100/gradient': { gradient: true, spread: 100, queryLength: 33 },
    }),
    ...Object.entries(changed).flatMap(([name, change]) => [
      agreement('overflow', name, {}, change),
      agreement('overflow', `${name}/all-outputs`, ALL, change),
    ]),
    ...besideSmallProducts(),
    ...besideLargeSquares(),
    ...smallestWeights(),
    ...overflowingSumCases(),
    agreement('overflow', 'mask/lowest-row/gradient', { gradient: true }, changed['mask/lowest-row']),
    agreement('overflow', 'one-huge-key/gradient', { gradient: true }, changed['one-huge-key']),
    agreement(
      'overflow',
      'mask/minus-1e10-everywhere/scores-1e4',
      { ...ALL, spread: 1e4 },
      changed['mask/minus-1e10-everywhere'],
    ),
    agreement(
      'overflow',
      'mask/minus-1e10-everywhere/gradient',
      { gradient: true, spread: 100 },
      changed['mask/minus-1e10-everywhere'],
    ),
    agreement('overflow', 'mask/minus-1e12-everywhere/gradient', { gradient: true }, farDown),
    agreement(
      'overflow',
      'mask/minus-1e12-everywhere/gradient-sinks',
      { gradient: true, sinks: true },
      farDown,
    ),
    agreement(
      'overflow',
      'mask/minus-1e12-everywhere/gradient-across-tiles',
      { gradient: true, batch: 1, heads: 1, keyLength: 300, queryLength: 7 },
      (request) => ({
        ...request,
        mask: tensor(
          Float32Array.from({ length: 300 }, (_, j) => -1e12 + 65536 * (j % 2)),
          [300],
        ),
        bias: tensor(
          Float32Array.from({ length: 300 }, (_, j) => 100 * (j % 7)),
          [300],
        ),
      }),
    ),
    agreement('overflow', 'mask/lowest-row/scale', { scale: 5 }, changed['mask/lowest-row']),
    agreement('overflow', 'mask/lowest-row/causal', { causal: true }, changed['mask/lowest-row']),
    agreement('overflow', 'bias/lowest-row/causal', { causal: true }, changed['bias/lowest-row']),
    agreement(
      'overflow',
      'bias/lowest-row/boolean-mask',
      { mask: { kind: 'boolean', shape: [7, 7] } },
      changed['bias/lowest-row'],
    ),
  ];
}
