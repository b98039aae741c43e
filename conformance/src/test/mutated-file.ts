import * as fc from 'fast-check';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** One query, one key, and a sequence of two calls: a sound file in which everything is small. */
export function soundFile(): Json {
  const ones = (shape: readonly number[], data: readonly Json[]): Json => ({ dtype: 'float32', shape, data });
  const one = ones([1, 1, 1, 1], [1]);
  const cache = { key: ones([1, 1, 2, 1], [1, 0]), value: ones([1, 1, 2, 1], [1, 0]) };
  return {
    format: 'heed-cases/1',
    source: 'by hand',
    cases: [
      {
        id: 'one-key',
        clause: 'mask',
        tolerance: 0,
        options: {
          layout: 'bhld',
          scale: 1,
          softcap: null,
          causal: true,
          window: { left: 1 },
          alignment: 'topLeft',
        },
        inputs: {
          query: one,
          key: one,
          value: { dtype: 'float32', shape: [1, 1, 1, 1], data: 'AACAPw==' },
          mask: { dtype: 'bool', shape: [1, 1], data: [true] },
          keyLengths: [1],
          dOutput: one,
        },
        expected: { output: one, logSumExp: ones([1, 1, 1], [1]), dQuery: ones([1, 1, 1, 1], [0]) },
      },
      {
        id: 'cache',
        options: { causal: true, alignment: 'bottomRight' },
        inputs: cache,
        steps: [
          { inputs: { query: one, keyLengths: [1] }, expected: { output: one } },
          {
            write: { start: 1, key: one, value: one },
            inputs: { query: one, keyLengths: [2] },
            expected: { output: one },
          },
        ],
      },
    ],
  };
}

/** A file with one to three of its values replaced, removed or joined by others. */
export function mutated(file: Json): fc.Arbitrary<Json> {
  const mutation = fc.record({ at: fc.nat(), kind: fc.constantFrom('replace', 'remove', 'add'), junk, name });
  return fc
    .array(mutation, { minLength: 1, maxLength: 3 })
    .map((mutations) => mutations.reduce<Json>(mutate, file));
}

const name = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'length',
  'steps',
  'expected',
  'dBias',
  'sinks',
  'x',
);

const junk: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(
    null,
    true,
    '',
    'NaN',
    'Infinity',
    'AACAPw==',
    '====',
    'float16',
    'int64',
    'float64',
    'bool',
  ),
  fc.constantFrom<Json[]>(0, -1, 0.5, 2, 1e9, 2 ** 53, 1e300, -1e-300),
  fc.constantFrom<Json[]>([], {}, [[]], [1e9, 1e9], [0, 1e15, 1, 1], [1, 1, 1, 1, 1], { dtype: 'float32' }),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

interface Mutation {
  readonly at: number;
  readonly kind: string;
  readonly junk: Json;
  readonly name: string;
}

function mutate(file: Json, { at, kind, junk: value, name: key }: Mutation): Json {
  const places = placesIn(file, []);
  const path = places[at % places.length]!;
  return changed(file, path, (old) => {
    if (kind === 'replace') return value;
    if (kind === 'remove') return undefined;
    if (Array.isArray(old)) return [...(old as Json[]), value];
    // Through JSON, so that __proto__ is a property like any other.
    const added = JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`) as object;
    return typeof old === 'object'
      ? Object.defineProperties({ ...old }, Object.getOwnPropertyDescriptors(added))
      : value;
  });
}

function placesIn(value: Json, path: readonly string[]): (readonly string[])[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([step, part]) => placesIn(part as Json, [...path, step]))];
}

function changed(
  value: Json,
  [step, ...rest]: readonly string[],
  change: (old: Json) => Json | undefined,
): Json {
  if (step === undefined) return change(value) ?? null;
  const parts = Object.entries(value as object).flatMap(([name_, part]): [string, Json][] => {
    if (name_ !== step) return [[name_, part as Json]];
    const next = rest.length === 0 ? change(part as Json) : changed(part as Json, rest, change);
    return next === undefined ? [] : [[name_, next]];
  });
  return Array.isArray(value) ? parts.map(([, part]) => part) : Object.fromEntries(parts);
}
