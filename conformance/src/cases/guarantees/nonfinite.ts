import { type Tensor, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { coordinates } from '../../judge/compare.ts';
import type { Values } from '../../judge/expectation.ts';
import { attendedByRow } from '../../judge/excluded.ts';
import { placeOf } from '../../judge/naive-forward.ts';
import { type PlainInputs, rowStarts } from '../../judge/naive-scores.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { ensure, guaranteed } from '../building/behavior.ts';
import { overflowingHardRow } from '../required/overflowing-sums.ts';
import { ensureSameBits, runAll, runAsAsked } from '../building/run-all.ts';
import type { Purposes } from '../building/purposes.ts';
import { droppedValueCase } from '../features/dropout.ts';

export const nonfinitePurposes: Purposes = {
  nonfinite: 'NaN or infinity in what a row attends to shows in that row, and changes no bit of another.',
  'nonfinite/value-of-weight-0': 'NaN or infinity in a value shows though its weight is 0.',
  'nonfinite/dropped-value':
    'A key that dropout drops is attended to: NaN or infinity in its value makes the row non-finite.',
  'nonfinite/sum-of-finite-terms':
    'Hard attention does not hide that a sum of finite terms is +∞ behind a finite value.',
  'nonfinite/output-alone': 'NaN or infinity shows where the output alone is asked for.',
  'nonfinite/weights-alone': 'NaN shows where the weights alone are asked for.',
  'nonfinite/logSumExp-alone': 'NaN shows where logSumExp alone is asked for.',
  'nonfinite/query': 'NaN or infinity in a query shows in its row, and changes no bit of another.',
  'nonfinite/key':
    'NaN or infinity in a key shows in the rows that attend to it, and changes no bit of another.',
  'nonfinite/value':
    'NaN or infinity in a value shows in the rows that attend to it, and changes no bit of another.',
  'nonfinite/key/decoding': 'NaN or infinity in one of a thousand keys shows in a few queries.',
  'nonfinite/value/decoding': 'NaN or infinity in one of a thousand values shows in a few queries.',
  'nonfinite/float-mask': 'NaN or +∞ in a float mask shows in its row, and changes no bit of another.',
  'nonfinite/bias': 'NaN or +∞ in a bias shows in the rows that read it, and changes no bit of another.',
  'nonfinite/alibi-slope': 'NaN or infinity in a slope shows in all rows of its head, and in no other.',
  'nonfinite/sink': 'NaN or +∞ in a sink shows in all rows of its head, and in no other.',
  'nonfinite/mask': '+∞ at the edge of a row of a mask is not taken for the −∞ that excludes.',
};

type Floats = Float32Array | Float64Array;

/** A place of an input that rows attend to, and which rows `[B, Hq, Lq]` those are. */
interface Target {
  readonly input: 'query' | 'key' | 'value' | 'mask' | 'bias' | 'alibiSlopes' | 'sinks';
  readonly sketch?: Sketch;
  /** True if it is the scores that become non-finite: then the statistics are, too. */
  readonly scores: boolean;
  index(request: CaseRequest): number;
  reaches(b: number, h: number, i: number, keys: readonly number[]): boolean;
}

const KEY = 2;

/** The element d = 1 of a row of head 1, batch 1. */
function rowElement(kind: 'query' | 'key' | 'value', l: number): (request: CaseRequest) => number {
  return (request) => rowStarts(resolveRequest(request).problem)[kind](1, 1, l) + 1;
}

/** Element 1 of one key or value. */
function keyTarget(input: 'key' | 'value', place: number): Target {
  return {
    input,
    scores: input === 'key',
    index: rowElement(input, place),
    reaches: (b, h, _, keys) => b === 1 && h === 1 && keys.includes(place),
  };
}

const TARGETS: Readonly<Record<string, Target>> = {
  query: {
    input: 'query',
    scores: true,
    index: rowElement('query', 3),
    reaches: (b, h, i) => b === 1 && h === 1 && i === 3,
  },
  key: keyTarget('key', KEY),
  value: keyTarget('value', KEY),
  'float-mask': {
    input: 'mask',
    sketch: { mask: { kind: 'float', shape: [7, 7], density: 1 } },
    scores: true,
    index: () => 3 * 7 + KEY,
    reaches: (_b, _h, i, keys) => i === 3 && keys.includes(KEY),
  },
  bias: {
    input: 'bias',
    sketch: { bias: { shape: [2, 1, 7, 7] } },
    scores: true,
    index: () => 49 + 4 * 7 + KEY,
    reaches: (b, _h, i, keys) => b === 1 && i === 4 && keys.includes(KEY),
  },
  'alibi-slope': {
    input: 'alibiSlopes',
    sketch: { alibi: true },
    scores: true,
    index: () => 1,
    reaches: (_b, h, _i, keys) => h === 1 && keys.length > 0,
  },
  sink: {
    input: 'sinks',
    sketch: { sinks: true },
    scores: true,
    index: () => 1,
    reaches: (_b, h) => h === 1,
  },
};

/** A few queries with many keys, as in decoding: backends have other ways for them. */
const DECODING: Readonly<Record<string, Sketch>> = {
  plain: { queryLength: 1, keyLength: 1030 },
  'few-queries': { queryLength: 3, keyLength: 1030, valueDim: 5 },
  mask: { queryLength: 2, keyLength: 1030, mask: { kind: 'boolean', shape: [2, 2, 2, 1030], density: 0.9 } },
  'layout-blhd': { queryLength: 1, keyLength: 1030, layout: 'blhd' },
};

/** Exclusions in every tile of the keys. */
const SCATTERED: Sketch = {
  queryLength: 5,
  keyLength: 300,
  mask: { kind: 'boolean', shape: [300], density: 0.5 },
};

const BESIDE: Readonly<Record<string, Sketch>> = {
  plain: {},
  softcap: { softcap: 1 },
  causal: { causal: true },
  peaked: { spread: 100 },
  'layout-blhd': { layout: 'blhd' },
};

const POISONS = { nan: NaN, infinity: Infinity, 'minus-infinity': -Infinity } as const;

/** A −∞ in a mask or bias excludes, and a sink of −∞ adds nothing. */
function isNumberLikeAnyOther({ input }: Target, poison: number): boolean {
  return poison === -Infinity && (input === 'mask' || input === 'bias' || input === 'sinks');
}

/** @param run Which results are asked for. Default: all. */
function spreads(
  name: string,
  target: Target,
  sketch: Sketch,
  poison: number,
  run: typeof runAll | typeof runAsAsked = runAll,
): BehaviorCase {
  return guaranteed('nonfinite', name, sketch, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const given = request[target.input] as Tensor;
    const data = given.data.slice() as Floats;
    data[target.index(request)] = poison;
    const dOutput = dOutputOf(sketch, id);
    const clean = await run(backend, request, dOutput);
    const dirty = await run(backend, { ...request, [target.input]: { ...given, data } }, dOutput);
    ensureReaches(request, target, dirty, `${poison} in ${target.input}`);
    ensureSameBits(
      forward(dirty),
      forward(clean),
      `with ${poison} in ${target.input}`,
      reachedBy(request, target),
    );
  });
}

/** Enough keys, and scores small enough, for ways that pay off only there. */
const MANY_KEYS: Readonly<Record<string, Sketch>> = {
  plain: { queryLength: 70, spread: 0.1 },
  causal: { queryLength: 70, spread: 0.1, causal: true },
  'causal-peaked': { queryLength: 70, causal: true },
  'layout-blhd': { queryLength: 70, spread: 0.1, layout: 'blhd' },
};

/** Nothing but the output is asked for, or nothing but another result. */
function alone(): BehaviorCase[] {
  const targets: Readonly<Record<string, Target>> = {
    query: TARGETS['query']!,
    'first-keys': keyTarget('key', KEY),
    'last-keys': keyTarget('key', 66),
    'first-values': keyTarget('value', KEY),
    'last-values': keyTarget('value', 66),
  };
  const others = (['weights', 'logSumExp'] as const).map((name) =>
    spreads(`${name}-alone/key/nan`, TARGETS['key']!, { outputs: [name] }, NaN, runAsAsked),
  );
  const outputs = Object.entries(targets).flatMap(([name, target]) =>
    Object.entries(MANY_KEYS).flatMap(([beside, sketch]) =>
      Object.entries(POISONS).map(([kind, poison]) =>
        spreads(`output-alone/${name}/${beside}/${kind}`, target, sketch, poison, runAsAsked),
      ),
    ),
  );
  return [...outputs, ...others];
}

const FORWARD = ['output', 'weights', 'logSumExp', 'rowMax', 'rowSum', 'dQuery'];

/** The results that belong to single query rows: dKey and the like sum over many. */
function forward(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => FORWARD.includes(name)));
}

function ensureReaches(request: CaseRequest, target: Target, dirty: Values, what: string): void {
  const { problem } = resolveRequest(request);
  const starts = rowStarts(problem);
  const { output, weights, logSumExp, dQuery } = dirty as Values & { output: Tensor };
  forEachRow(request, ([b, h, i], at, keys) => {
    if (!target.reaches(b, h, i, keys)) return;
    const where = coordinates(at, [problem.batch, problem.heads, problem.queryLength]);
    // An empty row has no value that could tell, only its sink.
    if (keys.length > 0) {
      ensure(
        !isFiniteRow(output, starts.output(b, h, i), problem.valueDim),
        `output row [${where}] is finite, it attends to ${what}`,
      );
      ensure(
        dQuery === undefined || !isFiniteRow(dQuery, starts.query(b, h, i), problem.headDim),
        `dQuery row [${where}] is finite, it attends to ${what}`,
      );
    }
    if (weights) ensureExcludedAreZero(weights, at * problem.keyLength, problem.keyLength, keys, what);
    if (logSumExp && target.scores) {
      const sum = logSumExp.data[at]!;
      ensure(
        Number.isNaN(sum) || sum === Infinity,
        `logSumExp[${where}] is ${sum}, the row attends to ${what}`,
      );
    }
  });
}

function ensureExcludedAreZero(
  { data }: Tensor,
  start: number,
  keyLength: number,
  keys: readonly number[],
  what: string,
): void {
  for (let j = 0; j < keyLength; j++) {
    const weight = data[start + j]!;
    ensure(
      weight === 0 || keys.includes(j),
      `an excluded key has the weight ${weight}, the row attends to ${what}`,
    );
  }
}

function isFiniteRow(tensor: Tensor | undefined, start: number, length: number): boolean {
  return (
    tensor !== undefined && Array.from(tensor.data.subarray(start, start + length)).every(Number.isFinite)
  );
}

/** Elements of the results of rows that the poison may reach. */
function reachedBy(request: CaseRequest, target: Target): (name: string, index: number) => boolean {
  const { problem } = resolveRequest(request);
  const starts = rowStarts(problem);
  const rows: [output: number, query: number, at: number][] = [];
  forEachRow(request, ([b, h, i], at, keys) => {
    if (target.reaches(b, h, i, keys)) rows.push([starts.output(b, h, i), starts.query(b, h, i), at]);
  });
  const within = (index: number, start: number, length: number): boolean =>
    index >= start && index < start + length;
  return (name, index) =>
    rows.some(([output, query, at]) => {
      if (name === 'output') return within(index, output, problem.valueDim);
      if (name === 'dQuery') return within(index, query, problem.headDim);
      if (name === 'weights') return within(index, at * problem.keyLength, problem.keyLength);
      return index === at;
    });
}

function forEachRow(
  request: CaseRequest,
  visit: (place: readonly [number, number, number], at: number, keys: readonly number[]) => void,
): void {
  const { problem, inputs } = resolveRequest(request);
  const attended = attendedByRow(problem, inputs as PlainInputs);
  attended.forEach((keys, at) => visit(placeOf(problem, at), at, keys));
}

/** A value of weight 0, because another score is far above, and scores of −∞, which the softmax would hide. */
function hidden(): BehaviorCase[] {
  const farAbove = (request: CaseRequest): CaseRequest => {
    const bias = new Float32Array(7);
    bias[5] = 1000;
    return { ...request, bias: { dtype: 'float32', shape: [7], data: bias } };
  };
  return Object.entries(POISONS).map(([name, poison]) =>
    guaranteed('nonfinite', `value-of-weight-0/${name}`, ['bias'], async ({ backend }, id) => {
      const request = farAbove(requestOf({}, id));
      const value = request.value as Tensor;
      const target = TARGETS['value']!;
      const data = value.data.slice() as Floats;
      data[target.index(request)] = poison;
      const dirty = await runAll(backend, { ...request, value: { ...value, data } }, dOutputOf({}, id));
      ensureReaches(request, target, dirty, `${poison} in a value of weight 0`);
    }),
  );
}

export function nonfiniteCases(): ConformanceCase[] {
  const cases: ConformanceCase[] = [overflowingHardRow()];
  for (const [name, target] of Object.entries(TARGETS)) {
    for (const [beside, sketch] of Object.entries(BESIDE)) {
      for (const [kind, poison] of Object.entries(POISONS)) {
        if (isNumberLikeAnyOther(target, poison)) continue;
        cases.push(spreads(`${name}/${beside}/${kind}`, target, { ...target.sketch, ...sketch }, poison));
      }
    }
  }
  for (const [kind, poison] of Object.entries(POISONS)) {
    for (const [name, sketch] of Object.entries({
      'across-tiles': { queryLength: 67, keyLength: 70 },
      argmax: { selection: 'argmax' },
      sample: { selection: 'sample', seed: 2 },
    } as const)) {
      cases.push(spreads(`query/${name}/${kind}`, TARGETS['query']!, sketch, poison));
      cases.push(spreads(`key/${name}/${kind}`, TARGETS['key']!, sketch, poison));
    }
    cases.push(
      spreads(`value/across-tiles/${kind}`, TARGETS['value']!, { queryLength: 67, keyLength: 70 }, poison),
    );
  }
  for (const [name, sketch] of Object.entries(DECODING)) {
    for (const input of ['key', 'value'] as const) {
      for (const [at, place] of Object.entries({ first: KEY, last: 1028 })) {
        cases.push(spreads(`${input}/decoding/${name}/${at}`, keyTarget(input, place), sketch, NaN));
        cases.push(
          spreads(`${input}/decoding/${name}/${at}/infinity`, keyTarget(input, place), sketch, Infinity),
        );
      }
    }
  }
  for (const [kind, poison] of Object.entries(POISONS)) {
    const sketch: Sketch = { alibi: true, mask: { kind: 'boolean', shape: [7, 7], density: 0.6 } };
    cases.push(spreads(`alibi-slope/boolean-mask/${kind}`, TARGETS['alibi-slope']!, sketch, poison));
    // No key is at distance 0, where the slope would be multiplied by 0.
    cases.push(
      spreads(
        `alibi-slope/far-apart/${kind}`,
        TARGETS['alibi-slope']!,
        { alibi: true, alignment: { offset: 20 } },
        poison,
      ),
    );
  }
  // At the edges of a row an engine may leave out what is −∞, and only that.
  const mask: Sketch = { mask: { kind: 'float', shape: [7, 7], density: 1 } };
  const bias: Sketch = { bias: { shape: [7, 7] } };
  for (const [name, place] of Object.entries({ 'first-key': 0, 'last-key': 6 })) {
    for (const [input, sketch] of [
      ['mask', mask],
      ['bias', bias],
    ] as const) {
      const edge: Target = {
        input,
        scores: true,
        index: () => 3 * 7 + place,
        reaches: (_b, _h, i, keys) => i === 3 && keys.includes(place),
      };
      cases.push(spreads(`${input}/${name}/infinity`, edge, sketch, Infinity));
    }
  }
  const onlyNumber: Target = {
    ...keyTarget('value', KEY),
    index: (request) => rowStarts(resolveRequest(request).problem).value(1, 1, KEY),
  };
  cases.push(spreads('value/size-1/nan', onlyNumber, { valueDim: 1 }, NaN));
  cases.push(
    spreads('key/first-key/nan', keyTarget('key', 0), {}, NaN),
    spreads('key/last-key/nan', keyTarget('key', 6), {}, NaN),
    spreads('value/first-key/nan', keyTarget('value', 0), {}, NaN),
    spreads('query/scattered-keys/nan', TARGETS['query']!, SCATTERED, NaN),
    spreads(
      'query/scattered-keys-in-a-window/nan',
      TARGETS['query']!,
      { ...SCATTERED, window: { left: 150 }, alignment: { offset: 250 } },
      NaN,
    ),
    spreads(
      'key/scattered-keys/nan',
      keyTarget('key', 200),
      { ...SCATTERED, queryLength: 130, mask: { kind: 'boolean', shape: [130, 300], density: 0.5 } },
      NaN,
    ),
  );
  cases.push(
    spreads(
      'value/last-key-beside-sinks/nan',
      keyTarget('value', 6),
      { sinks: true, queryLengths: [7, 3] },
      NaN,
    ),
  );
  return [...cases, ...hidden(), ...alone(), droppedValueCase()];
}
