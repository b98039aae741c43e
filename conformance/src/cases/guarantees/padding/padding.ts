import { type HalfDType, type Tensor, cast, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import { broadcastStrides, numbersOf } from '@heed/core/backend';
import type { BehaviorCase, ConformanceCase } from '../../../case.ts';
import { attendedByRow } from '../../../judge/excluded.ts';
import { eachRow } from '../../../judge/naive-forward.ts';
import { type PlainInputs, rowStarts } from '../../../judge/naive-scores.ts';
import { type Sketch, dOutputOf, requestOf } from '../../../sketch.ts';
import { ensure, guaranteed } from '../../building/behavior.ts';
import { ensureSameBits, runAll, runAsAsked } from '../../building/run-all.ts';
import type { Purposes } from '../../building/purposes.ts';

export const paddingPurposes: Purposes = {
  padding: 'What is excluded changes no bit of any result or gradient, whatever its bits are.',
  'padding/beside': 'Beside another feature, what lengths exclude changes no bit.',
  'padding/causal-beside': 'Beside another feature, what causal attention excludes changes no bit.',
  'padding/float16': 'In float16, what is excluded changes no bit beside another feature.',
  'padding/bfloat16': 'In bfloat16, what is excluded changes no bit beside another feature.',
  'padding/across-tiles': 'What is excluded in a tile that others need changes no bit.',
  'padding/output-alone': 'What is excluded changes no bit where the output alone is asked for.',
  'padding/unchosen-values': 'Values that hard attention did not choose change no bit.',
  'padding/key-lengths': 'Keys past the key length change no bit.',
  'padding/query-lengths': 'Queries past the query length change no bit.',
  'padding/both-lengths': 'Keys and queries past their lengths change no bit.',
  'padding/causal': 'Keys behind the position of every row change no bit.',
  'padding/causal-empty-rows': 'Queries before the first key change no bit.',
  'padding/window-left': 'Keys to the left of every window change no bit.',
  'padding/window-right': 'Keys to the right of every window change no bit.',
  'padding/boolean-mask': 'What a boolean mask excludes changes no bit.',
  'padding/boolean-mask-of-keys': 'Keys that a boolean mask excludes for all rows change no bit.',
  'padding/boolean-mask-of-queries': 'Queries that a boolean mask excludes change no bit.',
  'padding/float-mask': 'What a −∞ in a float mask excludes changes no bit.',
  'padding/bias': 'What a −∞ in a bias excludes changes no bit.',
  'padding/segments': 'Keys of a segment that no row is of change no bit.',
  'padding/key-lengths-decoding': 'Unwritten rows of a long cache change no bit.',
  'padding/key-starts': 'Keys before the key start change no bit.',
  'padding/key-starts-decoding': 'Left padding of a long cache changes no bit.',
  'padding/boolean-mask-decoding': 'Keys that a mask excludes of a long cache change no bit.',
};

/** Each way to exclude. Float masks and biases exclude where they are −∞. */
export const EXCLUSIONS: Readonly<Record<string, Sketch>> = {
  'key-lengths': { keyLengths: [4, 6] },
  'key-starts': { keyStarts: [3, 1] },
  'query-lengths': { queryLengths: [4, 6] },
  'both-lengths': { keyLengths: [4, 6], queryLengths: [2, 7] },
  causal: { causal: true, queryLength: 5, keyLength: 9, alignment: 'topLeft' },
  'causal-empty-rows': { causal: true, queryLength: 9, keyLength: 5, alignment: 'bottomRight' },
  'window-left': { window: { left: 1 }, queryLength: 4, keyLength: 9, alignment: 'bottomRight' },
  'window-right': { window: { right: 1 }, queryLength: 4, keyLength: 9, alignment: 'topLeft' },
  'boolean-mask': {
    mask: { kind: 'boolean', shape: [2, 2, 4, 9], density: 0.2 },
    queryLength: 4,
    keyLength: 9,
  },
  'boolean-mask-float64': {
    mask: { kind: 'boolean', shape: [2, 2, 4, 9], density: 0.4 },
    queryLength: 4,
    keyLength: 9,
    dtype: 'float64',
  },
  'boolean-mask-float64-softcap': {
    mask: { kind: 'boolean', shape: [2, 2, 4, 9], density: 0.4 },
    queryLength: 4,
    keyLength: 9,
    dtype: 'float64',
    softcap: 2,
  },
  'boolean-mask-of-keys': { mask: { kind: 'boolean', shape: [2, 1, 1, 7], density: 0.4 } },
  'boolean-mask-of-queries': { mask: { kind: 'boolean', shape: [2, 1, 7, 1], density: 0.5 } },
  'float-mask': { mask: { kind: 'float', shape: [1, 1, 1, 7], density: 0.4 } },
  bias: { bias: { shape: [2, 1, 1, 7], excluded: 0.6 } },
  segments: { segments: 'scattered', queryLength: 4, keyLength: 9 },
  'key-lengths-decoding': { keyLengths: [520, 1027], queryLength: 1, keyLength: 1030 },
  'key-starts-decoding': { keyStarts: [517, 3], queryLength: 1, keyLength: 1030 },
  'boolean-mask-decoding': {
    mask: { kind: 'boolean', shape: [2, 1, 1, 1030], density: 0.4 },
    queryLength: 2,
    keyLength: 1030,
  },
  'no-common-segment': { segments: 'scattered', queryLength: 2, keyLength: 2 },
};

/** Other features, over one exclusion that every one of them meets. */
const BESIDE: Readonly<Record<string, Sketch>> = {
  softcap: { softcap: 1 },
  alibi: { alibi: true },
  sinks: { sinks: true },
  gqa: { heads: 4, kvHeads: 2 },
  'layout-blhd': { layout: 'blhd' },
  'value-size': { valueDim: 3 },
  bias: { bias: { shape: [2, 7, 7] } },
  'float-mask': { mask: { kind: 'float', shape: [7, 7] } },
  argmax: { selection: 'argmax' },
  sample: { selection: 'sample', seed: 5 },
  float64: { dtype: 'float64' },
  peaked: { spread: 20 },
};

/** Sums of the huge ones overflow. */
function poisons({ dtype = 'float32' }: Sketch): Record<string, number> {
  const huge = dtype === 'float32' ? 3e38 : 1.7e308;
  return { nan: NaN, infinity: Infinity, 'minus-infinity': -Infinity, 'huge-and-finite': huge };
}

/** Places that no row may attend to, in each input: true where an element is excluded. */
export interface Excludable {
  readonly query: (index: number) => boolean;
  readonly key: (index: number) => boolean;
  readonly value: (index: number) => boolean;
  readonly bias: (index: number) => boolean;
  readonly mask: (index: number) => boolean;
  readonly dOutput: (index: number) => boolean;
}

/** Finds the excluded elements of a request. */
export function excludable(request: CaseRequest): Excludable {
  const { problem, inputs } = resolveRequest(request);
  const starts = rowStarts(problem);
  const attended = attendedByRow(problem, inputs as PlainInputs);
  const seen = {
    query: new Set<number>(),
    output: new Set<number>(),
    key: new Set<number>(),
    value: new Set<number>(),
    bias: new Set<number>(),
    mask: new Set<number>(),
  };
  const pairOf = (shape: readonly number[] | undefined, at: readonly number[]): number =>
    shape === undefined
      ? -1
      : broadcastStrides(shape as never).reduce((sum, stride, axis) => sum + stride * at[axis]!, 0);
  eachRow(problem, (b, h, i, at) => {
    for (const j of attended[at]!) {
      seen.query.add(starts.query(b, h, i));
      seen.output.add(starts.output(b, h, i));
      seen.key.add(starts.key(b, h, j));
      seen.value.add(starts.value(b, h, j));
      seen.bias.add(pairOf(problem.bias?.shape, [b, h, i, j]));
      seen.mask.add(pairOf(problem.mask?.shape, [b, h, i, j]));
    }
  });
  const { headDim, valueDim } = problem;
  // A −∞ that excludes must stay: it is why the element is excluded.
  const numbers = (tensor: unknown) => (tensor === undefined ? [] : numbersOf(tensor as Tensor));
  const [bias, mask] = [numbers(inputs.bias), numbers(inputs.mask)];
  return {
    query: (index) => !seen.query.has(index - (index % headDim)),
    key: (index) => !seen.key.has(index - (index % headDim)),
    value: (index) => !seen.value.has(index - (index % valueDim)),
    bias: (index) => !seen.bias.has(index) && bias[index] !== -Infinity,
    mask: (index) => problem.mask?.kind === 'float' && !seen.mask.has(index) && mask[index] !== -Infinity,
    dOutput: (index) => !seen.output.has(index - (index % valueDim)),
  };
}

/** A copy of a tensor with a number put into some places. */
export function spoil<T extends Tensor | undefined>(
  given: T,
  poison: number,
  where: (index: number) => boolean,
): T {
  if (given === undefined) return given;
  // Tensors of 16 bits hold bits.
  const { dtype } = given;
  const element =
    dtype === 'float16' || dtype === 'bfloat16'
      ? cast({ dtype: 'float64', shape: [1], data: Float64Array.of(poison) }, dtype as HalfDType).data[0]!
      : poison;
  return { ...given, data: given.data.map((number, n) => (where(n) ? element : number)) };
}

/** Everything excluded is poisoned at once; no bit of any result may change. */
function padded(
  name: string,
  sketch: Sketch,
  poison: number,
  run: typeof runAll | typeof runAsAsked = runAll,
): BehaviorCase {
  return guaranteed('padding', name, sketch, async ({ backend }, id) => {
    const seed = id.slice(0, id.lastIndexOf('/'));
    const request = requestOf(sketch, seed);
    const places = excludable(request);
    const dOutput = dOutputOf(sketch, seed);
    const poisoned: Record<string, unknown> = { ...request };
    let count = 0;
    for (const input of ['query', 'key', 'value', 'mask', 'bias'] as const) {
      const given = request[input] as Tensor | undefined;
      if (given === undefined) continue;
      count += given.data.filter((_, index) => places[input](index)).length;
      poisoned[input] = spoil(given, poison, places[input]);
    }
    ensure(count > 0, 'the case has no excluded place');
    const clean = await run(backend, request, dOutput);
    const dirty = await run(
      backend,
      poisoned as unknown as CaseRequest,
      spoil(dOutput, poison, places.dOutput),
    );
    ensureSameBits(dirty, clean, `with ${poison} in every excluded place`);
  });
}

/** Hard attention reads the value that it chose, and no other. */
function unchosen(selection: 'argmax' | 'sample'): BehaviorCase {
  const sketch: Sketch = { selection, ...(selection === 'sample' && { seed: 8 }) };
  return guaranteed('padding', `unchosen-values/${selection}`, sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const { problem } = resolveRequest(request);
    const starts = rowStarts(problem);
    const dOutput = dOutputOf(sketch, id);
    const clean = await runAll(backend, request, dOutput);
    const chosen = new Set<number>();
    eachRow(problem, (b, h, _, at) => chosen.add(starts.value(b, h, clean['choice']!.data[at]!)));
    const poisonUnchosen = (index: number): boolean => !chosen.has(index - (index % problem.valueDim));
    const value = spoil(request.value as Tensor, NaN, poisonUnchosen);
    const dirty = await runAll(backend, { ...request, value }, dOutput);
    ensureSameBits(dirty, clean, 'with NaN in every value that is not chosen');
  });
}

export function paddingCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = { ...EXCLUSIONS };
  for (const [name, sketch] of Object.entries(BESIDE)) {
    sketches[`beside/${name}`] = { ...sketch, keyLengths: [4, 6], queryLengths: [5, 3] };
    sketches[`causal-beside/${name}`] = { ...sketch, causal: true, alignment: { offset: [-2, -3] } };
  }
  for (const keyLength of [33, 65]) {
    sketches[`across-tiles/key-lengths/${keyLength}`] = {
      batch: 1,
      queryLength: 35,
      keyLength,
      keyLengths: [31],
    };
    sketches[`across-tiles/causal/${keyLength}`] = {
      batch: 1,
      queryLength: 30,
      keyLength,
      causal: true,
      alignment: 'topLeft',
    };
  }
  const cases = Object.entries(sketches).flatMap(([name, sketch]) =>
    Object.entries(poisons(sketch)).map(([kind, poison]) => padded(`${name}/${kind}`, sketch, poison)),
  );
  for (const [name, sketch] of Object.entries(BESIDE).filter(([, { dtype }]) => dtype === undefined)) {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const half: Sketch = { ...sketch, dtype, keyLengths: [4, 6], queryLengths: [5, 3] };
      cases.push(
        padded(`${dtype}/${name}/nan`, half, NaN),
        padded(`${dtype}/${name}/infinity`, half, Infinity),
      );
    }
  }
  // Enough keys, and scores small enough, for ways that pay off only there; nothing but the output is asked for.
  const outputAlone = Object.entries({
    'key-lengths': { queryLength: 70, spread: 0.1, keyLengths: [66, 40] },
    'key-starts': { queryLength: 70, spread: 0.1, keyStarts: [3, 40] },
    'causal-key-lengths': { queryLength: 70, spread: 0.1, keyLengths: [66, 40], causal: true },
    causal: { queryLength: 70, keyLength: 90, spread: 0.1, causal: true, alignment: 'topLeft' },
  } satisfies Record<string, Sketch>).flatMap(([name, sketch]) =>
    Object.entries(poisons(sketch)).map(([kind, poison]) =>
      padded(`output-alone/${name}/${kind}`, sketch, poison, runAsAsked),
    ),
  );
  return [...cases, ...outputAlone, unchosen('argmax'), unchosen('sample')];
}
