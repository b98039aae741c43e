import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HeedError, type Tensor, cast, dequantize, quantize, tensor } from './index.ts';

const floats = (shape: number[], number: (n: number) => number): Tensor<'float32'> =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => number(n)),
    shape,
  );

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as HeedError).code;
  }
  return 'none';
}

describe.each([
  ['int8', 127],
  ['int4x2', 7],
] as const)('quantize to %s', (type, largest) => {
  test('every number comes back to within half a step of its group', () => {
    const rows = fc.array(
      fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e30), max: Math.fround(1e30) }),
      {
        minLength: 64,
        maxLength: 64,
      },
    );
    fc.assert(
      fc.property(rows, fc.constantFrom(32, 64), (numbers, group) => {
        const given = floats([1, 64], (n) => numbers[n]!);
        const { numbers: integers, scales } = quantize(given, type, { group });
        const back = dequantize(integers, scales);
        given.data.forEach((number, n) => {
          const scale = scales.data[Math.floor(n / group)]!;
          // A subnormal scale is rounded coarsely itself.
          const step = scale < 1e-37 ? 1e-36 : scale;
          expect(Math.abs(back.data[n]! - number)).toBeLessThanOrEqual((0.5 + 1e-4) * step);
        });
      }),
    );
  });

  test('the largest number of a group is one of the integers at the ends', () => {
    const { numbers, scales } = quantize(
      floats([2, 4], (n) => [1, -4, 2, 0, 0, 0, 0, 0][n]!),
      type,
    );
    expect(scales.shape).toEqual([2, 1]);
    expect([...scales.data]).toEqual([Math.fround(4 / largest), 0]);
    expect(dequantize(numbers, scales).data[1]).toBeCloseTo(-4);
    expect([...dequantize(numbers, scales).data.subarray(4)]).toEqual([0, 0, 0, 0]);
  });

  test('takes 16-bit floats, too', () => {
    const given = floats([3, 32], (n) => Math.sin(n));
    const half = cast(given, 'float16');
    expect(quantize(half, type).numbers.data).toEqual(quantize(cast(half, 'float32'), type).numbers.data);
  });

  test('refuses what it cannot represent', () => {
    const given = floats([2, 48], (n) => n);
    expect(codeOf(() => quantize(given, type, { group: 32 }))).toBe('ARGUMENT');
    expect(
      codeOf(() =>
        quantize(
          floats([1, 4], () => NaN),
          type,
        ),
      ),
    ).toBe('ARGUMENT');
    expect(
      codeOf(() =>
        quantize(
          floats([1, 4], () => -Infinity),
          type,
        ),
      ),
    ).toBe('ARGUMENT');
    expect(
      codeOf(() =>
        quantize(
          floats([2, 0], () => 0),
          type,
        ),
      ),
    ).toBe('SHAPE');
    expect(codeOf(() => quantize(tensor(new Int32Array(4), [1, 4]), type))).toBe('DTYPE');
    expect(codeOf(() => quantize(given, 'int3' as never))).toBe('DTYPE');
    expect(codeOf(() => quantize(given, type, { groups: 32 } as never))).toBe('UNKNOWN_OPTION');
  });
});

test('4 bits: the even index is in the lower half of the byte', () => {
  const { numbers } = quantize(
    floats([1, 4], (n) => [1, 2, -7, 7][n]!),
    'int4x2',
  );
  expect([...numbers.data]).toEqual([0x21, 0x79]);
});

test('pairs need an even row', () => {
  expect(
    codeOf(() =>
      quantize(
        floats([1, 3], (n) => n),
        'int4x2',
      ),
    ),
  ).toBe('SHAPE');
});

test('dequantize refuses numbers and scales that do not go together', () => {
  const { numbers, scales } = quantize(
    floats([2, 64], (n) => n),
    'int8',
  );
  expect(codeOf(() => dequantize(numbers, { ...scales, shape: [1, 4] }))).toBe('SHAPE');
  expect(codeOf(() => dequantize(numbers, cast(scales, 'float64') as never))).toBe('DTYPE');
  expect(codeOf(() => dequantize(scales as never, scales))).toBe('DTYPE');
  expect(dequantize(numbers, scales).shape).toEqual([2, 64]);
});
