import {
  type AttentionBackend,
  type AttentionPart,
  type Tensor,
  mergeAttention,
  resolveRequest,
  tensor,
} from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { randomFrom } from '../../random.ts';
import { type Sketch, lengthsOf, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { behavior, ensure } from '../building/behavior.ts';
import { ensureSameBits } from '../building/run-all.ts';
import { UNORDERED, property, samples } from '../properties/property.ts';
import type { Purposes } from '../building/purposes.ts';

export const mergePurposes: Purposes = {
  merge: 'Attention over parts of the keys, merged, equals attention over all of them.',
  'merge/scores-1e4': 'Merging keeps its digits at scores of 1e4.',
  'merge/sinks': 'The sink belongs to exactly one part.',
  'merge/lowest-mask': 'Parts of a row at the edge of float32 are weighed rightly.',
  'merge/minus-1e12-mask': 'Parts whose maxima are rounded by thousands are weighed rightly.',
  'merge/more-parts-than-keys': 'Empty parts are neutral.',
  'merge/only-empty-parts': 'Parts that are all empty merge into an empty row.',
  'merge/only-empty-parts-and-a-sink': 'Parts that are all empty keep their sink.',
  'merge/weights': 'Weights over parts, rescaled and in their places, are those over all keys.',
  'merge/choice': 'Of the choices in the parts, the one with the largest score is the choice of the row.',
  'merge/ties':
    'Among equal scores in several parts the lowest key is chosen, whatever the order of the parts.',
  'merge/stale': 'What lies before starts and past lengths of parts changes no bit of what they merge into.',
  'merge/any-order': 'With their starts, parts in any order merge into the same bits.',
  'merge/property': 'Parts of any number and length merge into the whole.',
};

/** Indices `start` to `end` of an axis. */
function between(given: Tensor, axis: number, start: number, end: number): Tensor {
  const inner = given.shape.slice(axis + 1).reduce((size, length) => size * length, 1);
  const data = given.data.filter((_, n) => {
    const index = Math.floor(n / inner) % given.shape[axis]!;
    return start <= index && index < end;
  });
  return { dtype: given.dtype, shape: given.shape.with(axis, end - start), data } as Tensor;
}

/** The part of a request that concerns the keys from `start` to `end`. */
export function someKeys(request: CaseRequest, start: number, end: number): CaseRequest {
  const axis = request.layout === 'blhd' ? 1 : 2;
  const keyLength = (request.key as Tensor).shape[axis];
  const lastAxis = (given: Tensor): Tensor => {
    const last = given.shape.length - 1;
    return given.shape[last] === keyLength ? between(given, last, start, end) : given;
  };
  const { key, value, mask, bias, keySegments, alignment, keyLengths, keyStarts } = request;
  const counted = (given: Tensor | readonly number[]): number[] =>
    Array.from('data' in given ? given.data : given, (count) =>
      Math.min(Math.max(count - start, 0), end - start),
    );
  return {
    ...request,
    key: between(key as Tensor, axis, start, end),
    value: between(value as Tensor, axis, start, end),
    ...(mask && { mask: lastAxis(mask as Tensor) }),
    ...(bias && { bias: lastAxis(bias as Tensor) }),
    ...(keySegments && { keySegments: lastAxis(keySegments as Tensor) }),
    ...(keyLengths && { keyLengths: counted(keyLengths) }),
    ...(keyStarts && { keyStarts: counted(keyStarts) }),
    // Positions count from the part's first key.
    ...(alignment && { alignment: { offset: -start } }),
  };
}

const HARD = { selection: 'argmax', outputs: ['output', 'weights', 'choice', 'statistics'] } as const;

/** Where the parts begin and end, unevenly; some may be empty. */
export function cutsOf(keyLength: number, parts: number, seed: string | number): number[] {
  const random = randomFrom(seed);
  const cuts = Array.from({ length: parts - 1 }, () => random.below(keyLength + 1));
  return [0, ...cuts.sort((a, b) => a - b), keyLength];
}

/** Runs attention over each part of the keys. */
async function partsOf(
  backend: AttentionBackend,
  request: CaseRequest,
  cuts: readonly number[],
  sinkPart: number,
): Promise<AttentionPart[]> {
  const parts: AttentionPart[] = [];
  for (const [n, end] of cuts.slice(1).entries()) {
    const start = cuts[n]!;
    const part = someKeys({ ...request, statistics: true }, start, end);
    // The sink belongs to exactly one part.
    const { problem, inputs } = resolveRequest(n === sinkPart ? part : { ...part, sinks: undefined });
    const kernel = await backend.compile(problem);
    const { output, statistics, weights, choice } = await kernel.run(inputs);
    await kernel.dispose();
    parts.push({
      output: output!,
      statistics: statistics!,
      ...(weights && { weights }),
      ...(choice && { choice }),
      start,
    });
  }
  return parts;
}

/** Attention over each part of the keys, merged, equals attention over all of them. */
async function ensureMerges(
  backend: AttentionBackend,
  request: CaseRequest,
  cuts: readonly number[],
  sinkPart: number,
): Promise<void> {
  const whole: CaseRequest = { ...request, statistics: true };
  const parts = await partsOf(backend, request, cuts, sinkPart);
  const results = mergeAttention(parts, { layout: request.layout ?? 'bhld' });
  ensureAgrees(whole, results, `${parts.length} parts, cut at ${cuts.join(', ')}, merged`);
}

/** Parts in reverse order merge into the same bits. */
function anyOrder(name: string, sketch: Sketch): BehaviorCase {
  return behavior('merge', `any-order/${name}`, sketch, async ({ backend }, id) => {
    const cuts = cutsOf(lengthsOf(sketch).keyLength, 7, id);
    const parts = await partsOf(backend, requestOf(sketch, id), cuts, 6);
    const [ascending, descending] = [parts, [...parts].reverse()].map((all) =>
      JSON.stringify(mergeAttention(all), (_, value) =>
        ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value,
      ),
    );
    ensure(ascending === descending, 'the order of the parts changes bits of the merged results');
  });
}

/** Parts with rows before starts and past lengths, one of them with nothing else. */
const LENGTHS = [55, 30];
const STARTS = [23, 0];
export const STALE: { readonly cuts: readonly number[]; readonly sketch: Sketch } = {
  cuts: [0, 20, 40, 60, 70],
  sketch: { queryLength: 5, keyLength: 70, keyLengths: LENGTHS, keyStarts: STARTS },
};

/** A request of that sketch whose rows before starts and past lengths are full of a number. */
export function withStaleRows(request: CaseRequest, stuff: number): CaseRequest {
  const spoil = (given: Tensor): Tensor => {
    const [, heads, length, depth] = given.shape as [number, number, number, number];
    const data = given.data.map((number, n) => {
      const b = Math.floor(n / (heads * length * depth));
      const j = Math.floor(n / depth) % length;
      return STARTS[b]! <= j && j < LENGTHS[b]! ? number : stuff;
    });
    return { ...given, data } as Tensor;
  };
  return { ...request, key: spoil(request.key as Tensor), value: spoil(request.value as Tensor) };
}

const STUFF = [0, 3e38, NaN];

/** Rows before starts and past lengths, of any numbers, change no bit of what parts are merged into. */
function stale(): BehaviorCase {
  const sketch: Sketch = { ...STALE.sketch, outputs: ['output', 'weights', 'statistics'] };
  const spoiled = behavior('merge', 'stale', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const mergedOf = async (given: CaseRequest): Promise<ReturnType<typeof mergeAttention>> =>
      mergeAttention(await partsOf(backend, given, STALE.cuts, 0));
    const { statistics, ...clean } = await mergedOf(request);
    ensureAgrees(request, { ...clean, statistics }, 'parts with lengths and starts, merged');
    for (const stuff of STUFF) {
      const { statistics: ofDirty, ...dirty } = await mergedOf(withStaleRows(request, stuff));
      ensureSameBits(
        { ...dirty, ...ofDirty } as never,
        { ...clean, ...statistics } as never,
        `merged, with ${stuff} in every row that is not there`,
      );
    }
  });
  return { ...spoiled, guarantee: 'padding' };
}

/** Equal scores everywhere: the lowest key that a row may attend to is chosen. */
function ties(): BehaviorCase {
  const sketch: Sketch = {
    queryLength: 5,
    keyLength: 70,
    ...HARD,
    mask: { kind: 'boolean', shape: [5, 70], density: 0.1 },
  };
  return behavior('merge', 'ties', sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const whole = { ...request, query: zeros('float32', request.query.shape) };
    const parts = await partsOf(backend, whole, cutsOf(70, 7, id), 0);
    ensureAgrees(whole, mergeAttention([...parts].reverse()), 'parts in reverse order, merged');
  });
}

function merged(
  name: string,
  sketch: Sketch,
  parts: number,
  change: (request: CaseRequest) => CaseRequest = (request) => request,
): BehaviorCase {
  const part: Sketch = {
    ...sketch,
    outputs: [...(sketch.outputs ?? []), 'statistics'],
    ...(sketch.alignment && { alignment: { offset: 0 } }),
  };
  return behavior('merge', name, part, async ({ backend }, id) => {
    const cuts = cutsOf(lengthsOf(sketch).keyLength, parts, id);
    await ensureMerges(backend, change(requestOf(sketch, id)), cuts, parts - 1);
  });
}

export function mergeCases(): ConformanceCase[] {
  const lengths: Sketch = { queryLength: 5, keyLength: 70 };
  const sketches: Record<string, Sketch> = {
    plain: lengths,
    peaked: { ...lengths, spread: 8 },
    'scores-1e4': { ...lengths, queryLength: 17, spread: 1e4 },
    sinks: { ...lengths, sinks: true },
    'layout-blhd': { ...lengths, layout: 'blhd', heads: 3 },
    gqa: { ...lengths, heads: 4, kvHeads: 2, valueDim: 5 },
    'boolean-mask': { ...lengths, mask: { kind: 'boolean', shape: [5, 70], density: 0.1 } },
    bias: { ...lengths, bias: { shape: [2, 1, 70], excluded: 0.5 } },
    causal: { queryLength: 70, keyLength: 70, causal: true, alignment: 'topLeft' },
    'softcap-segments': { ...lengths, softcap: 2, segments: 'scattered' },
    float64: { ...lengths, dtype: 'float64' },
  };
  // Without the row sum of a uniform row at the edge of float32, the merge could not weigh its parts.
  const lowest = (request: CaseRequest): CaseRequest => ({
    ...request,
    mask: tensor(new Float32Array(70).fill(-3.4e38), [1, 70]),
  });
  // Far below what float32 resolves, each part's maximum is rounded by thousands.
  const farDown = (request: CaseRequest): CaseRequest => ({
    ...request,
    mask: tensor(new Float32Array(70).fill(-1e12), [1, 70]),
    bias: tensor(
      Float32Array.from({ length: 70 }, (_, j) => 3e4 * (j % 3)),
      [1, 70],
    ),
  });
  return [
    ...Object.entries(sketches).flatMap(([name, sketch]) =>
      [1, 2, 7, 64].map((parts) => merged(`${name}/${parts}-parts`, sketch, parts)),
    ),
    merged('lowest-mask/7-parts', { ...lengths, mask: { kind: 'float', shape: [1, 70] } }, 7, lowest),
    merged(
      'minus-1e12-mask/7-parts',
      { ...lengths, mask: { kind: 'float', shape: [1, 70] }, bias: { shape: [1, 70] } },
      7,
      farDown,
    ),
    ...Object.entries(sketches).map(([name, sketch]) =>
      merged(`weights/${name}`, { ...sketch, outputs: ['output', 'weights', 'statistics'] }, 7),
    ),
    merged(
      'weights/more-parts-than-keys',
      { queryLength: 3, keyLength: 2, outputs: ['output', 'weights', 'statistics'] },
      9,
    ),
    ...Object.entries(sketches)
      .filter(([, { sinks }]) => !sinks)
      .map(([name, sketch]) => merged(`choice/${name}`, { ...sketch, ...HARD }, 7)),
    merged('choice/only-empty-parts', { queryLength: 3, keyLength: 0, ...HARD }, 3),
    merged('choice/more-parts-than-keys', { queryLength: 3, keyLength: 2, ...HARD }, 9),
    ties(),
    stale(),
    anyOrder('soft', { ...lengths, outputs: ['output', 'weights', 'statistics'] }),
    anyOrder('hard', { ...lengths, ...HARD }),
    merged('more-parts-than-keys', { queryLength: 3, keyLength: 2 }, 9),
    merged('only-empty-parts', { queryLength: 3, keyLength: 0 }, 3),
    merged('only-empty-parts-and-a-sink', { queryLength: 3, keyLength: 0, sinks: true }, 3),
    property(
      'merge',
      'anywhere-in-any-number',
      ['statistics'],
      samples(UNORDERED),
      async (sample, { backend }) => {
        const { keyLength } = lengthsOf(sample.sketch);
        const parts = 1 + (sample.seed % 5);
        const cuts = cutsOf(keyLength, parts, sample.seed);
        await ensureMerges(backend, requestOf(sample.sketch, sample.seed), cuts, sample.seed % parts);
      },
    ),
  ];
}
