import { type Feature, type Tensor, tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Lengths, type Sketch, dOutputOf, lengthsOf, requestOf } from '../../sketch.ts';
import { UNORDERED, ensureSame, property, samples } from './property.ts';
import type { Purposes } from '../building/purposes.ts';

export const equivalencePropertyPurposes: Purposes = {
  'causal/property': 'Causal attention is that of a triangular mask.',
  'alignment/property': 'An alignment is the mask or the offset that says the same.',
  'window/property': 'A window is the mask, or the causal attention, that says the same.',
  'lengths/property': 'Lengths are the mask that says the same.',
  'segments/property': 'Segments are the mask that says the same.',
  'bias/property/boolean-mask-is-a-bias': 'A boolean mask is a bias of 0 and −∞.',
  'bias/property/shifted-scores': 'A constant on all scores of a row changes nothing but the logarithm.',
  'mask/property/boolean-mask-is-a-float-mask': 'A boolean mask is a float mask of 0 and −∞.',
  'mask/property/float-mask-is-a-bias': 'A float mask is a bias.',
  'alibi/property': 'ALiBi is the bias that says the same.',
  'sinks/property': 'A sink is one more key whose value is 0.',
};

/** Returns whether a pair may attend, from the request and where it stands. */
type Pair = (b: number, i: number, j: number) => boolean;

/** A feature in two ways: by its own option, and by a mask, a bias or another option that says the same. */
interface Equivalence {
  readonly clause: string;
  readonly features: readonly Feature[];
  /** The request with the feature; the lengths are those of the sample. */
  one(lengths: Lengths): Sketch;
  other(request: CaseRequest, lengths: Lengths): CaseRequest;
}

function booleanMask({ batch, queryLength, keyLength }: Lengths, pair: Pair): Tensor {
  const data = Uint8Array.from({ length: batch * queryLength * keyLength }, (_, n) => {
    const [b, i] = [Math.floor(n / (queryLength * keyLength)), Math.floor(n / keyLength) % queryLength];
    return Number(pair(b, i, n % keyLength));
  });
  return tensor(data, [batch, 1, queryLength, keyLength]);
}

/** Takes the feature's own option out and puts a mask in. */
function masked(
  option: keyof CaseRequest,
  pair: (request: CaseRequest, lengths: Lengths) => Pair,
): Equivalence['other'] {
  return (request, lengths) => ({
    ...request,
    [option]: undefined,
    mask: booleanMask(lengths, pair(request, lengths)),
  });
}

const ids = (segments: unknown, b: number, length: number, at: number): number =>
  (segments as Tensor).data[b * length + at]!;

const EQUIVALENCES: Readonly<Record<string, Equivalence>> = {
  'causal-is-a-mask': {
    clause: 'causal',
    features: ['causal', 'mask.boolean'],
    one: () => ({ causal: true, alignment: 'topLeft' }),
    other: masked('causal', () => (_, i, j) => j <= i),
  },
  'causal-bottom-right-is-a-mask': {
    clause: 'alignment',
    features: ['causal', 'alignment.bottomRight', 'mask.boolean'],
    one: () => ({ causal: true, alignment: 'bottomRight' }),
    other: masked('causal', (_, l) => (_b, i, j) => j <= i + l.keyLength - l.queryLength),
  },
  'bottom-right-is-an-offset': {
    clause: 'alignment',
    features: ['causal', 'alignment.bottomRight', 'alignment.offset'],
    one: () => ({ causal: true, alignment: 'bottomRight' }),
    other: (request, l) => ({ ...request, alignment: { offset: l.keyLength - l.queryLength } }),
  },
  'top-left-is-offset-0': {
    clause: 'alignment',
    features: ['window', 'alignment.offset'],
    one: () => ({ window: { left: 1, right: 2 }, alignment: 'topLeft' }),
    other: (request) => ({ ...request, alignment: { offset: 0 } }),
  },
  'causal-is-a-window': {
    clause: 'window',
    features: ['causal', 'window'],
    one: () => ({ causal: true, alignment: 'topLeft' }),
    other: (request) => ({ ...request, causal: false, window: { right: 0 } }),
  },
  'window-is-a-mask': {
    clause: 'window',
    features: ['window', 'mask.boolean'],
    one: () => ({ window: { left: 2, right: 1 }, alignment: 'topLeft' }),
    other: masked('window', () => (_, i, j) => i - 2 <= j && j <= i + 1),
  },
  'key-lengths-are-a-mask': {
    clause: 'lengths',
    features: ['lengths.key', 'mask.boolean'],
    one: (l) => ({
      keyLengths: Array.from({ length: l.batch }, (_, b) => (l.keyLength >> 1) + b * (l.keyLength & 1)),
    }),
    other: masked('keyLengths', (request) => (b, _, j) => j < (request.keyLengths as number[])[b]!),
  },
  'key-starts-are-a-mask': {
    clause: 'lengths',
    features: ['lengths.keyStart', 'mask.boolean'],
    one: (l) => ({
      keyStarts: Array.from({ length: l.batch }, (_, b) => (l.keyLength >> 1) + b * (l.keyLength & 1)),
    }),
    other: masked('keyStarts', (request) => (b, _, j) => j >= (request.keyStarts as number[])[b]!),
  },
  'query-lengths-are-a-mask': {
    clause: 'lengths',
    features: ['lengths.query', 'mask.boolean'],
    one: (l) => ({ queryLengths: Array.from({ length: l.batch }, () => l.queryLength >> 1) }),
    other: masked('queryLengths', (request) => (b, i) => i < (request.queryLengths as number[])[b]!),
  },
  'segments-are-a-mask': {
    clause: 'segments',
    features: ['segments', 'mask.boolean'],
    one: () => ({ segments: 'scattered' }),
    other: (request, l) => ({
      ...masked('querySegments', () => (b, i, j) => {
        const query = ids(request.querySegments, b, l.queryLength, i);
        return query === ids(request.keySegments, b, l.keyLength, j);
      })(request, l),
      keySegments: undefined,
    }),
  },
  'boolean-mask-is-a-bias': {
    clause: 'bias',
    features: ['mask.boolean', 'bias'],
    one: (l) => ({ mask: { kind: 'boolean', shape: [l.queryLength, l.keyLength] } }),
    other: (request) => {
      const { shape, data } = request.mask as Tensor;
      const bias = tensor(
        Float32Array.from(data, (allowed) => (allowed ? 0 : -Infinity)),
        shape,
      );
      return { ...request, mask: undefined, bias };
    },
  },
  'boolean-mask-is-a-float-mask': {
    clause: 'mask',
    features: ['mask.boolean', 'mask.float'],
    one: (l) => ({ mask: { kind: 'boolean', shape: [l.heads, 1, l.keyLength] } }),
    other: (request) => {
      const { shape, data } = request.mask as Tensor;
      return {
        ...request,
        mask: tensor(
          Float32Array.from(data, (allowed) => (allowed ? 0 : -Infinity)),
          shape,
        ),
      };
    },
  },
  'float-mask-is-a-bias': {
    clause: 'mask',
    features: ['mask.float', 'bias'],
    one: (l) => ({ mask: { kind: 'float', shape: [l.heads, l.queryLength, l.keyLength] } }),
    other: (request) => ({ ...request, mask: undefined, bias: request.mask! }),
  },
  'alibi-is-a-bias': {
    clause: 'alibi',
    features: ['alibi', 'bias'],
    one: () => ({ alibi: true, alignment: 'topLeft' }),
    other: (request, { heads, queryLength, keyLength }) => {
      const slopes = (request.alibiSlopes as Tensor).data;
      const data = Float32Array.from({ length: heads * queryLength * keyLength }, (_, n) => {
        const [i, j] = [Math.floor(n / keyLength) % queryLength, n % keyLength];
        return -slopes[Math.floor(n / (queryLength * keyLength))]! * Math.abs(i - j);
      });
      return { ...request, alibiSlopes: undefined, bias: tensor(data, [heads, queryLength, keyLength]) };
    },
  },
};

function equivalence(name: string, { clause, features, one, other }: Equivalence): BehaviorCase {
  // Only options that no equivalence puts in or takes out.
  const requests = samples(['softcap', 'sinks', 'peaked']);
  return property(clause, name, features, requests, async ({ sketch, seed }, { backend }) => {
    const lengths = lengthsOf(sketch);
    const request = requestOf({ ...sketch, ...one(lengths) }, seed);
    const dOutput = dOutputOf(sketch, seed);
    const pair = [request, other(request, lengths)] as const;
    await ensureSame(backend, pair, [dOutput, dOutput], name, (tensorName, value) =>
      tensorName === 'dBias' ? null : value,
    );
  });
}

/** A sink is one more key whose score is the sink and whose value is 0. */
function sinkIsAKey(): BehaviorCase {
  const requests = samples(UNORDERED.filter((name) => name === 'peaked'));
  return property(
    'sinks',
    'sink-is-a-key-without-value',
    ['sinks', 'bias'],
    requests,
    async (sample, { backend }) => {
      const sketch: Sketch = { ...sample.sketch, sinks: true };
      const { heads, keyLength } = lengthsOf(sketch);
      const request = requestOf(sketch, sample.seed);
      const dOutput = dOutputOf(sketch, sample.seed);
      const sinks = (request.sinks as Tensor).data;
      const longer = (given: unknown): Tensor => {
        const { shape, data } = given as Tensor;
        const run = shape[2]! * shape[3]!;
        const result = new Float32Array((data.length / run) * (run + shape[3]!));
        for (let n = 0; n < data.length; n++) result[n + Math.floor(n / run) * shape[3]!] = data[n]!;
        return tensor(result, shape.with(2, shape[2]! + 1));
      };
      const bias = Float32Array.from({ length: heads * (keyLength + 1) }, (_, n) =>
        n % (keyLength + 1) === keyLength ? sinks[Math.floor(n / (keyLength + 1))]! : 0,
      );
      const other = {
        ...request,
        sinks: undefined,
        key: longer(request.key),
        value: longer(request.value),
        bias: tensor(bias, [heads, 1, keyLength + 1]),
      };
      await ensureSame(
        backend,
        [request, other],
        [dOutput, dOutput],
        'with a key in place of the sink',
        (name, value) => (['output', 'logSumExp', 'rowMax', 'dQuery'].includes(name) ? value : null),
      );
    },
  );
}

/** A constant on all scores of a row changes nothing but the logarithm, which it shifts. */
function shiftedScores(): BehaviorCase {
  const requests = samples(['softcap', 'booleanMask', 'segments', 'causal']);
  return property('bias', 'shifted-scores', ['bias'], requests, async ({ sketch, seed }, { backend }) => {
    const { queryLength } = lengthsOf(sketch);
    const request = requestOf(sketch, seed);
    const dOutput = dOutputOf(sketch, seed);
    const shift = (i: number): number => ((i * 5) % 17) - 8;
    const bias = tensor(
      Float32Array.from({ length: queryLength }, (_, i) => shift(i)),
      [queryLength, 1],
    );
    await ensureSame(
      backend,
      [request, { ...request, bias }],
      [dOutput, dOutput],
      'with shifted scores',
      (name, value) => {
        if (name === 'dBias') return null;
        if (name !== 'logSumExp' && name !== 'rowMax') return value;
        const data = value.data.map((number, row) => number - shift(row % queryLength));
        return { ...value, data } as Tensor;
      },
    );
  });
}

export function equivalencePropertyCases(): ConformanceCase[] {
  return [
    ...Object.entries(EQUIVALENCES).map(([name, given]) => equivalence(name, given)),
    sinkIsAKey(),
    shiftedScores(),
  ];
}
