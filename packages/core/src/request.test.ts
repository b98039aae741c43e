import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttentionProblem,
  type AttentionRequest,
  type HeedError,
  type Tensor,
  attention,
  resolveRequest,
  tensor,
} from './index.ts';
import { checkInputs, checkProblem, featuresOf } from './backend/index.ts';
import { recipes, requestOf } from './test/random-request.ts';
import reference from './reference/index.ts';

const floats = (...shape: number[]): Tensor<'float32'> =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
const bools = (...shape: number[]): Tensor<'bool'> =>
  tensor(new Uint8Array(shape.reduce((a, b) => a * b, 1)), shape);

const B2H4 = { query: floats(2, 4, 5, 8), key: floats(2, 2, 6, 8), value: floats(2, 2, 6, 3) };
const square = { query: floats(1, 1, 5, 4), key: floats(1, 1, 5, 4), value: floats(1, 1, 5, 4) };
const of = (request: AttentionRequest): AttentionProblem => resolveRequest(request).problem;

describe('the problem', () => {
  test('is read off the tensors', () => {
    expect(of(B2H4)).toEqual({
      batch: 2,
      heads: 4,
      kvHeads: 2,
      kvBatch: 2,
      queryLength: 5,
      keyLength: 6,
      headDim: 8,
      valueDim: 3,
      dtype: 'float32',
      cacheType: 'float32',
      groups: null,
      pages: null,
      ring: false,
      valueFromKey: null,
      layout: 'bhld',
      scale: 1 / Math.sqrt(8),
      softcap: null,
      alignment: null,
      causal: false,
      window: null,
      mask: null,
      bias: null,
      lengths: { key: false, keyStart: false, query: false },
      segments: false,
      alibi: false,
      sinks: false,
      selection: 'softmax',
      origin: false,
      dropout: null,
      outputs: ['output'],
      gradient: false,
    });
  });

  test('has no dropout of probability 0, and then no origin', () => {
    const dropout = { probability: 0, seed: 1 };
    expect(of({ ...B2H4, dropout, origin: { key: 3 } })).toEqual(of(B2H4));
    expect(of({ ...B2H4, dropout: { probability: 0.25, seed: 1 } })).toEqual({ ...of(B2H4), dropout: 0.25 });
  });

  test('has an origin from 0 on, of which what is left out is 0', () => {
    const dropout = { probability: 0.25, seed: 1 };
    const inputsAt = (origin: AttentionRequest['origin']): unknown =>
      resolveRequest({ ...B2H4, dropout, origin }).inputs.origin;
    const first = { batch: 0, head: 0, query: 0, key: 0 };
    expect(inputsAt(first)).toEqual(first);
    expect(inputsAt({ key: 3 })).toEqual({ ...first, key: 3 });
    for (const wrong of [-1, 0.5, 2 ** 31]) {
      expect(() => inputsAt({ ...first, query: wrong }), `${wrong}`).toThrow(
        expect.objectContaining({ code: 'ARGUMENT', message: expect.stringContaining('query') as string }),
      );
    }
  });

  test('is the same in either layout, but for the layout', () => {
    const blhd = { query: floats(2, 5, 4, 8), key: floats(2, 6, 2, 8), value: floats(2, 6, 2, 3) };
    expect(of({ ...blhd, layout: 'blhd' })).toEqual({ ...of(B2H4), layout: 'blhd' });
  });

  test('survives JSON, frozen and unchanged by a second check', () => {
    fc.assert(
      fc.property(recipes([]), (recipe) => {
        const problem = of(requestOf(recipe));
        const traveled = JSON.parse(JSON.stringify(problem)) as AttentionProblem;
        expect(checkProblem(traveled)).toEqual(problem);
        expect(JSON.stringify(checkProblem(traveled))).toBe(JSON.stringify(problem));
        expect(featuresOf(traveled)).toEqual(featuresOf(problem));
        expect(Object.isFrozen(problem)).toBe(true);
      }),
    );
  });
});

describe('equal requests have one problem, to the letter', () => {
  const same: [string, AttentionRequest, AttentionRequest][] = [
    ['defaults written out', square, { ...square, scale: 0.5, softcap: null, causal: false, window: null }],
    [
      'undefined',
      square,
      { ...square, scale: undefined, mask: undefined, alignment: undefined, weights: undefined },
    ],
    ['an unbounded window', square, { ...square, window: { left: null } }],
    [
      'a side left out or null',
      { ...square, window: { left: 2 } },
      { ...square, window: { right: null, left: 2 } },
    ],
    ['an alignment that nothing needs', square, { ...square, alignment: 'bottomRight' }],
    ['the default alignment', { ...square, causal: true }, { ...square, causal: true, alignment: 'topLeft' }],
    [
      'both corners of a square',
      { ...square, causal: true, alignment: 'topLeft' },
      { ...square, causal: true, alignment: 'bottomRight' },
    ],
    [
      'flags that say what is so without them',
      { ...square, logSumExp: true },
      { ...square, output: true, weights: false, logSumExp: true, choice: undefined },
    ],
    [
      'a mask with and without leading axes of length 1',
      { ...square, mask: bools(5, 5) },
      { ...square, mask: bools(1, 1, 5, 5) },
    ],
    [
      'an offset for all or for each',
      { ...square, causal: true, alignment: { offset: 1 } },
      { ...square, causal: true, alignment: { offset: [2] } },
    ],
    [
      'lengths as numbers or a tensor',
      { ...square, keyLengths: [3] },
      { ...square, keyLengths: tensor(Int32Array.of(4), [1]) },
    ],
  ];
  test.each(same)('%s', (_, one, other) => {
    expect(JSON.stringify(of(other))).toBe(JSON.stringify(of(one)));
  });

  const different: [string, AttentionRequest][] = [
    ['scale', { ...square, scale: 1 }],
    ['causal', { ...square, causal: true }],
    ['mask shape', { ...square, mask: bools(1, 5) }],
    ['mask kind', { ...square, mask: floats(1, 5) }],
    [
      'corners of a square with lengths',
      { ...square, causal: true, alignment: 'bottomRight', keyLengths: [3] },
    ],
    ['results', { ...square, output: false, logSumExp: true }],
    ['gradient', { ...square, gradient: true }],
  ];
  test('and different ones have not', () => {
    const keys = [square, ...different.map(([, request]) => request)].map((request) =>
      JSON.stringify(of(request)),
    );
    expect(new Set(keys).size).toBe(different.length + 1);
    expect(of(different[4]![1]).alignment).toBe('bottomRight');
  });
});

describe('errors speak in dimension letters, before anything is computed', () => {
  const refused: [string, unknown, { code: string; message: string; clause?: string; remedy?: RegExp }][] = [
    [
      'rank',
      { ...B2H4, key: floats(2, 6, 8) },
      {
        code: 'SHAPE',
        message: 'key is [2, 6, 8]; expected [B, H, L, D]',
        clause: 'shape',
        remedy: /four axes, such as \[2, 1, 6, 8\]/,
      },
    ],
    [
      'rank without batch and heads',
      { ...B2H4, query: floats(5, 8) },
      { code: 'SHAPE', message: 'query is [5, 8]; expected [B, H, L, D]', remedy: /such as \[1, 1, 5, 8\]/ },
    ],
    [
      'rank in the other layout',
      { ...B2H4, layout: 'blhd', query: floats(2, 5, 8) },
      {
        code: 'SHAPE',
        message: 'query is [2, 5, 8]; expected [B, L, H, D]',
        remedy: /such as \[2, 5, 1, 8\]/,
      },
    ],
    [
      'a rank without rows',
      { ...B2H4, query: floats(8) },
      { code: 'SHAPE', message: 'query is [8]; expected [B, H, L, D]', remedy: /^give it four axes$/ },
    ],
    [
      'head size',
      { ...B2H4, key: floats(2, 2, 6, 7) },
      { code: 'SHAPE', message: 'key is [2, 2, 6, 7]; expected [B=2, Hkv=2, Lk=6, D=8]', clause: 'shape' },
    ],
    [
      'batch',
      { ...B2H4, value: floats(1, 2, 6, 3) },
      { code: 'SHAPE', message: 'value is [1, 2, 6, 3]; expected [B=2, Hkv=2, Lk=6, Dv=3]' },
    ],
    [
      'key length',
      { ...B2H4, value: floats(2, 2, 7, 3) },
      { code: 'SHAPE', message: 'value is [2, 2, 7, 3]; expected [B=2, Hkv=2, Lk=6, Dv=3]' },
    ],
    [
      'heads',
      { ...B2H4, key: floats(2, 3, 6, 8), value: floats(2, 3, 6, 3) },
      { code: 'SHAPE', message: 'Hq=4 is not a multiple of Hkv=3', clause: 'gqa' },
    ],
    [
      'no head size',
      { query: floats(1, 1, 2, 0), key: floats(1, 1, 2, 0), value: floats(1, 1, 2, 1) },
      { code: 'SHAPE', message: 'D is 0; expected an integer ≥ 1' },
    ],
    [
      'mask',
      { ...B2H4, mask: bools(4, 6) },
      {
        code: 'SHAPE',
        message: 'mask is [4, 6], which does not broadcast to [B=2, Hq=4, Lq=5, Lk=6]',
        clause: 'mask',
        remedy: /align at the right/,
      },
    ],
    [
      'bias',
      { ...B2H4, bias: floats(2, 5, 6) },
      {
        code: 'SHAPE',
        message: 'bias is [2, 5, 6], which does not broadcast to [B=2, Hq=4, Lq=5, Lk=6]',
        clause: 'bias',
      },
    ],
    [
      'bias of five axes',
      { ...B2H4, bias: floats(1, 1, 1, 1, 1) },
      {
        code: 'SHAPE',
        message: 'bias is [1, 1, 1, 1, 1], which does not broadcast to [B=2, Hq=4, Lq=5, Lk=6]',
        clause: 'bias',
      },
    ],
    [
      'slopes',
      { ...square, alibiSlopes: floats(2) },
      { code: 'SHAPE', message: 'alibiSlopes is [2]; expected [Hq=1]', clause: 'alibi' },
    ],
    [
      'half of the segments',
      { ...square, querySegments: tensor(new Int32Array(5), [1, 5]) },
      {
        code: 'MISSING_INPUT',
        message: 'keySegments is missing; expected int32 [B=1, Lk=5]',
        clause: 'segments',
      },
    ],
    [
      'one dtype beside another',
      { ...square, key: tensor(new Float64Array(20), [1, 1, 5, 4]) },
      { code: 'DTYPE', message: 'key is float64; expected float32 [B=1, Hkv=1, Lk=5, D=4]' },
    ],
    [
      'integers',
      { ...square, query: tensor(new Int32Array(20), [1, 1, 5, 4]) },
      { code: 'DTYPE', message: 'query is int32; expected float32, float64, float16, bfloat16' },
    ],
    ['no query', { ...square, query: undefined }, { code: 'MISSING_INPUT', message: 'query is missing' }],
    [
      'an array of too few axes',
      { ...square, query: [1, 2] },
      { code: 'SHAPE', message: 'query is [2]; expected [B, H, L, D]' },
    ],
    [
      'a typed array without a shape',
      { ...square, query: new Float32Array(4) },
      { code: 'SHAPE', message: 'query is not a tensor', remedy: /tensor\(typedArray/ },
    ],
    [
      'no alignment',
      { ...B2H4, causal: true },
      {
        code: 'ALIGNMENT_REQUIRED',
        message: 'causal, window and alibi need to know where the 5 queries stand among the 6 keys',
        clause: 'alignment',
        remedy: /topLeft.*bottomRight.*offset/,
      },
    ],
    [
      'alignment null',
      { ...B2H4, causal: true, alignment: null },
      { code: 'ALIGNMENT_REQUIRED', message: 'stand among' },
    ],
    [
      'an unknown alignment',
      { ...square, causal: true, alignment: 'center' },
      { code: 'ARGUMENT', message: 'alignment is "center"; expected topLeft, bottomRight or { offset }' },
    ],
    [
      'length',
      { ...square, keyLengths: [6] },
      { code: 'ARGUMENT', message: 'keyLengths has 6; expected 0 to Lk=5', clause: 'lengths' },
    ],
    [
      'half a length',
      { ...square, keyLengths: [2.5] },
      {
        code: 'ARGUMENT',
        message: 'keyLengths has 2.5; expected 32-bit integers',
      },
    ],
    [
      'lengths of another batch',
      { ...square, queryLengths: [1, 2] },
      { code: 'SHAPE', message: 'queryLengths is [2]; expected [B=1]' },
    ],
    [
      'a seed for soft attention',
      { ...square, seed: 1 },
      { code: 'UNEXPECTED_INPUT', message: "seed requires selection: 'sample'" },
    ],
    [
      'scale',
      { ...square, scale: NaN },
      { code: 'ARGUMENT', message: 'scale is NaN; expected 0 or a number of size 2⁻⁶⁴ to 2⁶⁴' },
    ],
    [
      'a scale that float32 does not have',
      { ...square, scale: 1e39 },
      { code: 'ARGUMENT', message: 'scale is 1e+39' },
    ],
    [
      'a softcap that float32 does not have',
      { ...square, softcap: 1e-39 },
      { code: 'ARGUMENT', message: 'softcap is 1e-39; expected a number from 2⁻⁶⁴', remedy: /leave it out/ },
    ],
    [
      'a string for a number',
      { ...square, softcap: '30' },
      { code: 'ARGUMENT', message: 'softcap is "30"; expected a number' },
    ],
    [
      'a misspelt option',
      { ...square, casual: true },
      {
        code: 'UNKNOWN_OPTION',
        message: 'attention(): unknown option `casual`; did you mean `causal`?',
        remedy: /causal/,
      },
    ],
    [
      'a number for a window',
      { ...square, window: 2 },
      { code: 'ARGUMENT', message: 'window is 2; expected { left, right }', clause: 'window' },
    ],
    [
      'a misspelt side of a window',
      { ...square, window: { letf: 2 } },
      { code: 'UNKNOWN_OPTION', message: 'window: unknown option `letf`', remedy: /`left`/ },
    ],
    [
      'a number for a flag',
      { ...B2H4, causal: 1, alignment: 'bottomRight' },
      { code: 'ARGUMENT', message: 'causal is 1; expected true, false' },
    ],
    [
      'a mask of false',
      { ...square, mask: false },
      { code: 'SHAPE', message: 'mask is not a tensor but Boolean' },
    ],
    [
      'no request',
      undefined,
      { code: 'ARGUMENT', message: 'the request is undefined', remedy: /query, key, value/ },
    ],
    [
      'a tensor for the request',
      square.query,
      { code: 'ARGUMENT', message: 'the request is a tensor', remedy: /query, key, value/ },
    ],
    [
      'a mask of each batch element',
      { ...B2H4, mask: bools(2, 5, 6) },
      {
        code: 'SHAPE',
        message: 'mask is [2, 5, 6], which does not broadcast to [B=2, Hq=4, Lq=5, Lk=6]',
        remedy: /shape \[2, 1, 5, 6\]/,
      },
    ],
    [
      'a mask of the keys of each batch element',
      { ...B2H4, mask: bools(2, 6) },
      {
        code: 'SHAPE',
        message: 'mask is [2, 6], which does not broadcast to [B=2, Hq=4, Lq=5, Lk=6]',
        remedy: /shape \[2, 1, 1, 6\]/,
      },
    ],
    [
      'a mask of heads and batch in one axis',
      { ...B2H4, mask: bools(8, 5, 6) },
      {
        code: 'SHAPE',
        message: 'mask is [8, 5, 6], which does not broadcast to [B=2, Hq=4, Lq=5, Lk=6]',
        remedy: /shape \[2, 4, 5, 6\]/,
      },
    ],
    [
      'window',
      { ...square, window: { left: -1 } },
      { code: 'ARGUMENT', message: 'window.left is -1; expected an integer ≥ 0, or null for unbounded' },
    ],
    [
      'nothing asked for',
      { ...square, output: false },
      {
        code: 'ARGUMENT',
        message: 'output is false and no other result is asked for',
        remedy: /weights: true/,
      },
    ],
    [
      'a number for dropout',
      { ...square, dropout: 0.1 },
      { code: 'ARGUMENT', message: 'dropout is 0.1; expected { probability, seed }', clause: 'dropout' },
    ],
    [
      'dropout of everything',
      { ...square, dropout: { probability: 1, seed: 1 } },
      { code: 'ARGUMENT', message: 'dropout: probability is 1; expected a number ≥ 0 and < 1' },
    ],
    [
      'dropout of hard attention',
      { ...square, selection: 'argmax', dropout: { probability: 0.5, seed: 1 } },
      { code: 'ARGUMENT', message: "dropout requires selection: 'softmax'", clause: 'dropout' },
    ],
    [
      'dropout with a seed beside it',
      { ...square, dropout: { probability: 0.5, seed: 1 }, seed: 2 },
      { code: 'UNEXPECTED_INPUT', message: 'dropout has its own' },
    ],
    [
      'choice of soft attention',
      { ...square, output: false, choice: true },
      { code: 'ARGUMENT', message: 'choice is an output of hard attention', remedy: /argmax/ },
    ],
  ];
  test.each(refused)('%s', async (_, request, { message, remedy = /./, ...error }) => {
    const backend = await reference.create();
    const caught: unknown = await attention(backend, request as never).catch((thrown: unknown) => thrown);
    expect(caught).toMatchObject({ ...error, name: 'HeedError', message: expect.stringContaining(message) });
    expect(String((caught as HeedError).remedy)).toMatch(remedy);
  });
});

describe('errors of caches, seeds and origins name their clause', () => {
  const ints = (numbers: readonly number[], ...shape: number[]): Tensor<'int32'> =>
    tensor(Int32Array.from(numbers), shape);
  const { query, key, value } = square;
  const pool = { query, key: floats(2, 1, 4, 4), value: floats(2, 1, 4, 4) };
  const int4 = { dtype: 'int4x2', shape: [1, 1, 5, 2], data: new Uint8Array(10) } as const;
  const problem = of(square);

  test.each<[code: string, clause: string | undefined, message: RegExp, refused: () => unknown]>([
    [
      'ARGUMENT',
      'valueFromKey',
      /valueFromKey is 3; expected \{ start, length \}/,
      () => of({ query, key, valueFromKey: 3 } as never),
    ],
    [
      'UNEXPECTED_INPUT',
      'valueFromKey',
      /value is given/,
      () => of({ query, key, value, valueFromKey: { start: 0, length: 2 } } as never),
    ],
    [
      'SHAPE',
      'pages',
      /blockTable is \[2\]; expected \[B, pages of an element\]/,
      () => of({ ...pool, blockTable: ints([0, 1], 2) }),
    ],
    [
      'ARGUMENT',
      'ring',
      /a ring has no pages/,
      () => of({ ...pool, blockTable: ints([0, 1], 1, 2), ring: true, keyLengths: ints([5], 1) }),
    ],
    [
      'SHAPE',
      'pages',
      /Lk=5 is not a multiple of the page size 4/,
      () => checkProblem({ ...problem, pages: { count: 2, size: 4 } }),
    ],
    [
      'SHAPE',
      'cache',
      /key is int4x2, D is 5; expected an even D/,
      () =>
        checkProblem({
          ...problem,
          headDim: 5,
          valueDim: 5,
          cacheType: 'int4x2',
          groups: { key: 5, value: 5 },
        }),
    ],
    [
      'SHAPE',
      'cache',
      /3 numbers of key share a scale; expected D=4/,
      () => checkProblem({ ...problem, cacheType: 'int8', groups: { key: 3, value: 4 } }),
    ],
    [
      'NOT_DIFFERENTIABLE',
      'gradient',
      /has no gradient/,
      () => checkProblem({ ...problem, cacheType: 'int8', groups: { key: 4, value: 4 }, gradient: true }),
    ],
    [
      'MISSING_INPUT',
      'selection',
      /seed is missing; selection 'sample' requires one/,
      () => checkInputs({ ...problem, selection: 'sample' }, square),
    ],
    [
      'ARGUMENT',
      'selection',
      /seed is -1; expected an integer/,
      () => checkInputs({ ...problem, selection: 'sample' }, { ...square, seed: -1 }),
    ],
    [
      'UNEXPECTED_INPUT',
      'origin',
      /origin is given/,
      () => checkInputs(problem, { ...square, origin: { batch: 0, head: 0, query: 0, key: 0 } }),
    ],
    ['MISSING_INPUT', 'origin', /origin is missing/, () => checkInputs({ ...problem, origin: true }, square)],
    ['MISSING_INPUT', undefined, /the inputs are null/, () => checkInputs(problem, null as never)],
    [
      'ARGUMENT',
      'pages',
      /blockTable has .*; expected −1 or 0 to 1/,
      () => {
        const { problem: paged, inputs } = resolveRequest({ ...pool, blockTable: ints([0, 2], 1, 2) });
        checkInputs(paged, inputs);
      },
    ],
    ['MISSING_INPUT', 'cache', /keyScales/, () => of({ query, key: int4, value: int4 } as never)],
  ])('%s %s: %s', (code, clause, message, refused) => {
    expect(refused).toThrow(expect.objectContaining({ code, clause, remedy: expect.any(String) }) as Error);
    expect(refused).toThrow(message);
  });
});

describe('a value that is not a backend is refused, with the way to make one', () => {
  const x = tensor(new Float32Array([1]), [1, 1, 1, 1]);
  const given: [name: string, value: unknown, message: RegExp][] = [
    ['a provider', reference, /backend is the provider reference; expected a backend/],
    ['a promise', reference.create(), /backend is a promise; expected a backend/],
    ['nothing', undefined, /backend is undefined; expected/],
    ['a request', { query: x, key: x, value: x }, /backend is an object; expected a backend/],
  ];
  test.each(given)('%s', async (_, value, message) => {
    const caught = await attention(value as never, { query: x, key: x, value: x }).catch(
      (error: unknown) => error,
    );
    expect(caught).toMatchObject({ code: 'ARGUMENT', message: expect.stringMatching(message) });
    expect((caught as HeedError).remedy).toMatch(/await provider\.create\(\)/);
  });

  test('a misspelt option of the run', async () => {
    const backend = await reference.create();
    const run = attention(backend, { query: x, key: x, value: x }, { residant: true } as never);
    await expect(run).rejects.toMatchObject({
      code: 'UNKNOWN_OPTION',
      remedy: expect.stringContaining('`resident`'),
    });
  });
});

describe('a mask that is not one', () => {
  const query = tensor(new Float32Array(6), [1, 1, 3, 2]);
  const key = tensor(new Float32Array(10), [1, 1, 5, 2]);
  const request = { query, key, value: key };
  const masked = (mask: AttentionRequest['mask']) => () => resolveRequest({ ...request, mask });

  test('of int32 is answered with booleans', () => {
    const mask = tensor(new Int32Array(15), [3, 5]);
    expect(masked(mask)).toThrow(/^mask is int32; expected bool \(true may attend\) or float32 \[/);
    expect(masked(mask)).toThrow(
      expect.objectContaining({ remedy: expect.stringContaining('Uint8Array.from(data)') }),
    );
    // With the mask that the message asks for, the call works.
    const { problem } = resolveRequest({ ...request, mask: tensor(Uint8Array.from(mask.data), mask.shape) });
    expect(problem.mask).toEqual({ kind: 'boolean', shape: [1, 1, 3, 5] });
  });

  test.each([[[3, 6]], [[6]], [[2, 3, 5]], [[1, 1, 3, 6]], [[1, 1, 1, 3, 5]]])(
    'of the shape %j is shown as it was given',
    (shape) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const mask = tensor(new Uint8Array(size), shape);
      expect(masked(mask)).toThrow(
        `mask is [${shape.join(', ')}], which does not broadcast to [B=1, Hq=1, Lq=3, Lk=5]`,
      );
      const bias = tensor(new Float32Array(size), shape);
      expect(() => resolveRequest({ ...request, bias })).toThrow(
        `bias is [${shape.join(', ')}], which does not`,
      );
    },
  );
});
