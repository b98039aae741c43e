import { describe, expect, test } from 'vitest';
import { zeros } from './backend/index.ts';
import { type Tensor, type TensorLike, attention, resolveRequest, tensor } from './index.ts';
import reference from './reference/index.ts';

// Core runs anywhere, so it is compiled without the types of Node: this way to name the module needs none.
const vm = (await import('node:vm' as string)) as { runInNewContext(code: string): unknown };
const backend = await reference.create();

const numbers = [1, 0, 0, 1, 1, 1];
const x = tensor(Float32Array.from(numbers), [1, 1, 3, 2]);
const nested = [
  [
    [
      [1, 0],
      [0, 1],
      [1, 1],
    ],
  ],
];
const self = <T extends TensorLike>(value: T): { query: T; key: T; value: T } => ({
  query: value,
  key: value,
  value,
});
const { output: expected } = await attention(backend, self(x));

const shared = new Float32Array(new SharedArrayBuffer(24));
shared.set(numbers);
const padded = Float32Array.from([9, ...numbers, 9]);
const foreign = vm.runInNewContext(`new Float32Array([${numbers.join()}])`) as Float32Array;

describe('whatever is taken for a tensor gives the same bits', () => {
  const given: [string, TensorLike][] = [
    ['nested arrays', nested],
    ['data and shape', { data: Float32Array.from(numbers), shape: [1, 1, 3, 2] }],
    ['a typed array of another realm', { data: foreign, shape: [1, 1, 3, 2] }],
    ['shared memory', { data: shared, shape: [1, 1, 3, 2] }],
    ['a part of a longer array', { data: padded.subarray(1, 7), shape: [1, 1, 3, 2] }],
    ['a frozen object', Object.freeze({ ...x, shape: Object.freeze([1, 1, 3, 2]) })],
  ];
  test.each(given)('%s', async (_, value) => {
    expect(await attention(backend, self(value))).toEqual({ output: expected });
  });

  test('nested booleans are a mask, nested numbers one that is added', async () => {
    const mask = [
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ];
    const added = mask.map((row) => row.map((allowed) => (allowed ? 0 : -Infinity)));
    const causal = await attention(backend, { ...self(x), causal: true });
    expect(await attention(backend, { ...self(nested), mask })).toEqual(causal);
    expect(await attention(backend, { ...self(x), mask: added })).toEqual(causal);
  });

  test('nested numbers take the element type of the query, segments are integers', () => {
    const query = tensor(Float64Array.from(numbers), [1, 1, 3, 2]);
    const { problem, inputs } = resolveRequest({
      query,
      key: nested,
      value: nested,
      querySegments: [[1, 1, 2]],
      keySegments: [[1, 1, 2]],
    });
    expect(problem.dtype).toBe('float64');
    expect([inputs.key.dtype, inputs.querySegments?.dtype]).toEqual(['float64', 'int32']);
  });
});

describe('upload() takes the same', () => {
  test.each([
    ['nested numbers', [[1, 2]], 'float32', [1, 2]],
    ['nested booleans', [[true, false]], 'bool', [1, 0]],
    ['bytes, which are booleans', { data: Uint8Array.of(0, 1), shape: [1, 2] }, 'bool', [0, 1]],
    ['float64', { data: Float64Array.of(0.1, 0.2), shape: [1, 2] }, 'float64', [0.1, 0.2]],
  ] as const)('%s', async (_, given, dtype, data) => {
    const read = await (await backend.upload(given)).read();
    expect({ ...read, data: Array.from(read.data) }).toEqual({ dtype, shape: [1, 2], data });
  });
});

test.each(['float32', 'float64', 'int32', 'bool'] as const)(
  'write() takes nested arrays, %s',
  async (dtype) => {
    const resident = await backend.upload(zeros(dtype, [2, 2]) as Tensor);
    await resident.write([dtype === 'bool' ? [true, false] : [3, 4]], { axis: 0, start: 1 });
    const { data } = await resident.read();
    expect(Array.from(data)).toEqual(dtype === 'bool' ? [0, 0, 1, 0] : [0, 0, 3, 4]);
  },
);

describe('what cannot be a tensor is refused', () => {
  test('an array that contains itself', async () => {
    const endless: unknown[] = [];
    endless.push(endless);
    const refusal = { code: 'SHAPE', message: expect.stringContaining('nested deeper than') as string };
    await expect(attention(backend, self(endless as never))).rejects.toMatchObject(refusal);
    await expect(backend.upload(endless as never)).rejects.toMatchObject(refusal);
  });

  const bytes = { data: new Uint8Array(24), shape: [1, 1, 3, 2] };
  test.each([
    ['bytes where floats belong', { ...self(x), query: bytes }, 'DTYPE', /query holds bytes.*float32/],
    ['booleans where floats belong', { ...self(x), key: [[[[true]]]] }, 'DTYPE', /key has booleans/],
    ['ragged arrays', { ...self(x), query: [[[[1, 2], [3]]]] }, 'SHAPE', /query is ragged.*\[2\]/],
    ['arrays of different depths', { ...self(x), query: [[[[1, 2], 3]]] }, 'SHAPE', /query is ragged/],
    ['text', { ...self(x), query: [[[['1', '2']]]] }, 'SHAPE', /query is ragged/],
    ['mixed masks', { ...self(x), mask: [[true, 0, 1]] }, 'DTYPE', /mask has booleans; expected numbers/],
    ['a part of an id', { ...self(x), querySegments: [[1, 1, 1.5]] }, 'ARGUMENT', /querySegments has 1.5/],
    [
      'too few numbers',
      { ...self(x), query: { data: new Float32Array(5), shape: [1, 1, 3, 2] } },
      'SHAPE',
      /5 elements/,
    ],
  ])('%s', (_, request, code, message) => {
    let caught: unknown;
    try {
      resolveRequest(request as never);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('results are typed as they are', () => {
  test('in the element type of the query', async () => {
    const { output, weights } = await attention(backend, { ...self(x), weights: true });
    const data: Float32Array = output.data;
    const more: Float32Array = weights.data;
    const { output: double } = await attention(
      backend,
      self(tensor(Float64Array.from(numbers), [1, 1, 3, 2])),
    );
    const wide: Float64Array = double.data;
    expect([data, more, wide].map(({ BYTES_PER_ELEMENT }) => BYTES_PER_ELEMENT)).toEqual([4, 4, 8]);
  });

  test('what a flag of unknown value asks for may be there', async () => {
    for (const wanted of [true, false]) {
      const { weights, gradient } = await attention(backend, {
        ...self(x),
        weights: wanted,
        gradient: wanted,
      });
      expect([weights !== undefined, gradient !== undefined]).toEqual([wanted, wanted]);
    }
  });

  test('gradients of resident results, resident themselves', async () => {
    const plain = await attention(backend, { ...self(x), gradient: true });
    const resident = await attention(backend, { ...self(x), gradient: true }, { resident: true });
    const { dQuery } = await plain.gradient(expected);
    const gradients = await resident.gradient(await backend.upload(expected), { resident: true });
    expect(await gradients.dQuery.read()).toEqual(dQuery);
  });
});
