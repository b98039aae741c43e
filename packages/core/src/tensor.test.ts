import { describe, expect, test } from 'vitest';
import { HeedError, type Tensor, attention, isResident, tensor } from './index.ts';
import { zeros } from './backend/index.ts';
import reference from './reference/index.ts';
import { toTensor } from './tensor-like.ts';
import { checkTensor } from './tensor.ts';

// Core runs anywhere, so it is compiled without the types of Node: this way to name the module needs none.
const vm = (await import('node:vm' as string)) as {
  runInNewContext(code: string, names?: object): unknown;
};

describe('tensor()', () => {
  test.each([
    [new Float32Array(2), 'float32'],
    [new Float64Array(2), 'float64'],
    [new Int32Array(2), 'int32'],
    [new Uint8Array(2), 'bool'],
  ])('%o is %s, wrapped without a copy', (data, dtype) => {
    const wrapped = tensor(data, [2, 1]);
    expect(wrapped.dtype).toBe(dtype);
    expect(wrapped.data).toBe(data);
    expect(wrapped.shape).toEqual([2, 1]);
  });

  test('keeps a shape of its own', () => {
    const shape = [1, 2];
    const wrapped = tensor(new Float32Array(2), shape);
    shape[0] = 7;
    expect(wrapped.shape).toEqual([1, 2]);
  });

  test('may be a scalar, or empty', () => {
    expect(tensor(new Float32Array(1), []).shape).toEqual([]);
    expect(tensor(new Float32Array(0), [0, 3]).shape).toEqual([0, 3]);
  });

  test.each([
    [[2], new Float32Array(3), 'SHAPE', 'tensor has 3 elements; its shape [2] requires 2'],
    [[-1], new Float32Array(1), 'SHAPE', 'tensor has the shape [-1]; expected integers ≥ 0'],
    [[0.5, 2], new Float32Array(1), 'SHAPE', 'tensor has the shape [0.5, 2]; expected integers ≥ 0'],
    [[NaN], new Float32Array(1), 'SHAPE', 'tensor has the shape [NaN]; expected integers ≥ 0'],
    [[1], new Int8Array(1), 'DTYPE', 'the data is Int8Array; expected a Float32Array'],
    [[1], [1], 'DTYPE', 'the data is Array; expected'],
    [[1], new DataView(new ArrayBuffer(1)), 'DTYPE', 'the data is DataView; expected'],
  ])('%j of %o is refused', (shape, data, code, message) => {
    let caught: unknown;
    try {
      tensor(data as Float32Array, shape);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

const request = (x: Tensor) => ({ query: x, key: x, value: x, causal: true });

describe('a tensor is plain data', () => {
  const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]);

  test('it survives structuredClone', async () => {
    const backend = await reference.create();
    expect(await attention(backend, request(structuredClone(x)))).toEqual(
      await attention(backend, request(x)),
    );
  });

  test('it may come from another realm', async () => {
    const foreign = vm.runInNewContext(
      `({ dtype: 'float32', shape: [1, 1, 3, 2], data: new Float32Array([1, 0, 0, 1, 1, 1]) })`,
    ) as Tensor<'float32'>;
    expect(foreign.data).not.toBeInstanceOf(Float32Array);
    const backend = await reference.create();
    const { output } = await attention(backend, request(foreign));
    const { output: expected } = await attention(backend, request(x));
    expect([...output.data]).toEqual([...expected.data]);
    expect(tensor(foreign.data, [1, 1, 3, 2]).dtype).toBe('float32');
  });

  test('its lengths and offsets too', async () => {
    const backend = await reference.create();
    const keyLengths = vm.runInNewContext('[2]') as number[];
    const offset = vm.runInNewContext('new Int32Array([1])') as Int32Array;
    const { output } = await attention(backend, {
      ...request(x),
      keyLengths,
      alignment: { offset: tensor(offset, [1]) },
    });
    expect(output.shape).toEqual([1, 1, 3, 2]);
  });
});

test('zeros() makes each type', () => {
  for (const dtype of ['float32', 'float64', 'int32', 'bool'] as const) {
    const made = zeros(dtype, [2, 3]);
    expect(made.dtype).toBe(dtype);
    expect(tensor(made.data, [2, 3]).dtype).toBe(dtype);
    expect([...made.data]).toEqual([0, 0, 0, 0, 0, 0]);
  }
});

test('isResident() tells resident tensors from plain ones, and from anything else', async () => {
  const backend = await reference.create();
  const resident = await backend.upload(tensor(new Float32Array(1), [1]));
  expect(isResident(resident)).toBe(true);
  for (const value of [tensor(new Float32Array(1), [1]), null, undefined, 1, {}])
    expect(isResident(value)).toBe(false);
});

test.each([
  ['BigInt64Array', new BigInt64Array([1n, -2n, 3n]), [1, -2, 3]],
  ['BigUint64Array', new BigUint64Array([1n, 2n]), [1, 2]],
  ['Int8Array', new Int8Array([1, -2]), [1, -2]],
  ['Int16Array', new Int16Array([1, 2]), [1, 2]],
  ['Uint8ClampedArray', new Uint8ClampedArray([1, 2]), [1, 2]],
  ['DataView', new DataView(new Float32Array([0.5, 2]).buffer), [0.5, 2]],
  ['ArrayBuffer', new Float32Array([0.5, 2]).buffer, [0.5, 2]],
  ['Array', [1, 2], [1, 2]],
])('the remedy for a %s works as it is written', (_, data, expected) => {
  for (const make of [
    () => tensor(data as never, [expected.length]),
    () => checkTensor('query', { dtype: 'float32', shape: [expected.length], data }),
  ]) {
    const remedy = remedyOf(make);
    const code = /(?:new Float32Array|Float32Array\.from)\([^)]*\)/.exec(remedy)![0];
    expect([...(vm.runInNewContext(code, { data, Float32Array, Number }) as Float32Array)]).toEqual(expected);
  }
});

test('a bare Uint16Array may be either 16-bit type, so it must say which', () => {
  const data = Uint16Array.of(0x3c00, 0x7c01);
  const remedy = remedyOf(() => tensor(data as never, [2]));
  expect(remedy).toMatch("{ dtype: 'float16', shape, data }, or 'bfloat16'");
  for (const dtype of ['float16', 'bfloat16']) {
    expect(() => checkTensor('key', { dtype, shape: [2], data })).not.toThrow();
    expect(() => checkTensor('key', { dtype, shape: [2], data: new Float32Array(2) })).toThrow(
      /data of Float32Array/,
    );
  }
});

test('a Float16Array becomes bits on the same memory', () => {
  const bits = Uint16Array.of(0x3c00, 0xc000, 7);
  const data = {
    [Symbol.toStringTag]: 'Float16Array' as const,
    buffer: bits.buffer,
    byteOffset: 2,
    length: 2,
  };
  for (const made of [tensor(data, [2]), toTensor('key', { dtype: 'float16', data, shape: [2] }, 'float')]) {
    expect(made).toMatchObject({ dtype: 'float16', shape: [2] });
    expect((made as Tensor).data.buffer).toBe(bits.buffer);
    expect([...(made as Tensor).data]).toEqual([0xc000, 7]);
  }
});

function remedyOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (HeedError.isInstance(error)) return error.remedy!;
  }
  throw new Error('no error with a remedy');
}
