import { runInNewContext } from 'node:vm';
import { HeedError, cast, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { type SafetensorsHeader, readSafetensorsHeader } from './header.ts';
import { readSafetensors } from './read.ts';
import { writeSafetensors } from './write.ts';

/** A file of this header and these many bytes of numbers. */
function file(header: unknown, numbers: ArrayLike<number> = [], length?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + numbers.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  bytes.set(numbers, 8 + text.length);
  return bytes;
}

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

test.each([
  ['F32', new Float32Array([1.5, -2]), 'float32', [1.5, -2]],
  ['F64', new Float64Array([1.5, -2]), 'float64', [1.5, -2]],
  ['F16', new Uint16Array([0x3e00, 0xc000, 0x0001, 0x7c00]), 'float32', [1.5, -2, 2 ** -24, Infinity]],
  ['BF16', new Uint16Array([0x3fc0, 0xc000]), 'float32', [1.5, -2]],
  ['I32', new Int32Array([7, -7]), 'int32', [7, -7]],
  ['I64', new BigInt64Array([7n, -7n]), 'int32', [7, -7]],
  ['U8', new Uint8Array([200, 0]), 'int32', [200, 0]],
  ['I8', new Int8Array([100, -7]), 'int32', [100, -7]],
  ['U16', new Uint16Array([40_000, 1]), 'int32', [40_000, 1]],
  ['I16', new Int16Array([7, -7]), 'int32', [7, -7]],
  ['BOOL', new Uint8Array([1, 0]), 'bool', [1, 0]],
])('%s is read', (dtype, array, expected, numbers) => {
  const entry = { dtype, shape: [numbers.length], data_offsets: [0, array.byteLength] };
  const read = readSafetensors(file({ __metadata__: { format: 'pt' }, a: entry }, bytesOf(array)));
  expect(read.metadata).toEqual({ format: 'pt' });
  expect(read.tensor('a')).toMatchObject({ dtype: expected, shape: [numbers.length] });
  expect([...read.tensor('a').data]).toEqual(numbers);
});

test('names, prefixes, empty tensors and numbers at odd places', () => {
  const numbers = new Uint8Array(5);
  numbers.set(bytesOf(new Float32Array([3])), 1);
  const read = readSafetensors(
    file(
      {
        'b.weight': { dtype: 'F32', shape: [1], data_offsets: [1, 5] },
        'a.flag': { dtype: 'BOOL', shape: [], data_offsets: [0, 1] },
        'a.none': { dtype: 'F32', shape: [0, 3], data_offsets: [0, 0] },
        __proto__x: { dtype: 'F32', shape: [0], data_offsets: [5, 5] },
      },
      numbers,
    ),
  );
  expect(read.names).toEqual(['b.weight', 'a.flag', 'a.none', '__proto__x']);
  expect(read.tensor('b.weight').data[0]).toBe(3);
  expect(Object.keys(read.stateDict('a.'))).toEqual(['flag', 'none']);
});

const headerOf = (bytes: Uint8Array): SafetensorsHeader =>
  readSafetensorsHeader(bytes.length, (from, count) => bytes.subarray(from, from + count));

describe('the header alone', () => {
  const scales = file(
    {
      __metadata__: { format: 'pt' },
      b: { dtype: 'F32', shape: [1], data_offsets: [4, 8] },
      a: { dtype: 'F8_E4M3', shape: [2, 2], data_offsets: [0, 4] },
    },
    [1, 2, 3, 4, ...bytesOf(new Float32Array([3]))],
  );

  test('says where the bytes of each tensor are', () => {
    const start = scales.length - 8;
    expect(headerOf(scales)).toEqual({
      metadata: { format: 'pt' },
      tensors: new Map([
        ['b', { dtype: 'F32', shape: [1], begin: start + 4, end: start + 8 }],
        ['a', { dtype: 'F8_E4M3', shape: [2, 2], begin: start, end: start + 4 }],
      ]),
    });
    expect([...headerOf(scales).tensors.keys()]).toEqual(['b', 'a']);
  });

  test.each<[string, unknown, unknown]>([
    ['no size', undefined, () => scales],
    ['half a byte', 8.5, () => scales],
    ['no function', scales.length, scales],
    ['a function that returns nothing', scales.length, () => undefined],
    ['a function that returns the whole file', scales.length, () => scales],
    ['a function that returns too few bytes', scales.length, (from: number) => scales.subarray(from, 4)],
  ])('%s', (_, size, read) => {
    expect(() => readSafetensorsHeader(size as never, read as never)).toThrow(
      expect.objectContaining({ code: 'ARGUMENT', remedy: expect.any(String) }) as Error,
    );
  });
});

const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
const four = [0, 0, 0, 0];
/** Deeper than a function that calls itself can follow. */
const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const malformed: [clause: string, what: string, bytes: Uint8Array][] = [
  ['length', 'nothing', new Uint8Array(0)],
  ['length', 'a header longer than the file', file({}, [], 100)],
  ['length', 'a header longer than memory', file({}, [], Number.MAX_SAFE_INTEGER)],
  ['header', 'no JSON', file('{')],
  ['header', 'an array', file('[]')],
  ['header', 'null', file('null')],
  ['header', 'spaces first', file(' {}')],
  ['header', 'bytes that are not UTF-8', file(String.fromCharCode(0xd800), [])],
  ['header', 'a name twice', file(`{"a":${JSON.stringify(entry)},"\\u0061":${JSON.stringify(entry)}}`, four)],
  [
    'header',
    'a field twice',
    file('{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', four),
  ],
  ['header', 'metadata of numbers', file({ __metadata__: { a: 1 } })],
  ['entry', 'null for an entry', file({ a: null })],
  ['entry', 'an unknown type', file({ a: { ...entry, dtype: 'F31' } }, four)],
  ['entry', 'a type from the prototype', file({ a: { ...entry, dtype: 'constructor' } }, four)],
  ['entry', 'an unknown field', file({ a: { ...entry, offset: 0 } }, four)],
  ['entry', 'a negative length', file({ a: { ...entry, shape: [-1] } }, four)],
  ['entry', 'a length that is not an integer', file({ a: { ...entry, shape: [0.5] } }, four)],
  ['entry', 'lengths whose product overflows', file({ a: { ...entry, shape: [2 ** 52, 2 ** 52] } }, four)],
  ['entry', 'a range that ends before it begins', file({ a: { ...entry, data_offsets: [4, 0] } }, four)],
  ['entry', 'three offsets', file({ a: { ...entry, data_offsets: [0, 4, 8] } }, four)],
  ['entry', 'a shape that its range does not hold', file({ a: { ...entry, shape: [2] } }, four)],
  [
    'entry',
    'a shape of lists in lists',
    file(`{"a":{"dtype":"F32","shape":${nested},"data_offsets":[0,4]}}`, four),
  ],
  [
    'entry',
    'a type of lists in lists',
    file(`{"a":{"dtype":${nested},"shape":[1],"data_offsets":[0,4]}}`, four),
  ],
  [
    'entry',
    'offsets of lists in lists',
    file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":${nested}}}`, four),
  ],
  ['entry', 'a name of kilobytes', file({ ['n'.repeat(9000)]: null })],
  ['entry', 'a shape of many axes', file({ a: { ...entry, shape: Array(9000).fill(-1) } }, four)],
  [
    'entry',
    'many fields',
    file(
      { a: { ...entry, ...Object.fromEntries(Array.from({ length: 9000 }, (_, n) => [`f${n}`, 1])) } },
      four,
    ),
  ],
  ['layout', 'a range past the end', file({ a: entry })],
  ['layout', 'a gap', file({ a: { ...entry, data_offsets: [4, 8] } }, [...four, ...four])],
  ['layout', 'an overlap', file({ a: entry, b: entry }, four)],
  ['layout', 'numbers that belong to nothing', file({ a: entry }, [...four, 0])],
];

describe('malformed files are refused, naming the clause', () => {
  test.each(malformed)('%s: %s', (clause, _, bytes) => {
    if (clause === 'header' && _.includes('UTF-8')) bytes.set([0xff, 0xfe, 0xfd], 8);
    const errorOf = (read: () => unknown): HeedError => {
      try {
        read();
      } catch (thrown) {
        return thrown as HeedError;
      }
      throw new Error('it was accepted');
    };
    const error = errorOf(() => readSafetensors(bytes));
    expect(error).toMatchObject({ code: 'ARGUMENT', clause: `safetensors.${clause}` });
    expect(error.message.length).toBeLessThan(400);
    expect(errorOf(() => headerOf(bytes)).message).toBe(error.message);
  });

  test('remarks and names of megabytes are read', () => {
    const text = 'say "so"\\ {'.repeat(700_000);
    const read = readSafetensors(file({ __metadata__: { text }, [text]: entry }, four));
    expect(read.metadata['text'] === text && read.names[0] === text).toBe(true);
    const twice = `{${JSON.stringify(text)}:1,${JSON.stringify(text)}:1}`;
    expect(() => readSafetensors(file(twice))).toThrow(
      expect.objectContaining({ code: 'ARGUMENT' }) as Error,
    );
  });

  test('random damage is refused or read, never anything else', () => {
    const intact = file(
      { a: entry, b: { dtype: 'I64', shape: [2], data_offsets: [4, 20] } },
      new Uint8Array(20),
    );
    for (let at = 0; at < intact.length; at++) {
      for (const value of [0, 0x22, 0x2c, 0x39, 0x7b, 0xff]) {
        const damaged = intact.slice();
        damaged[at] = value;
        try {
          const read = readSafetensors(damaged);
          read.names.forEach((name) => read.tensor(name));
        } catch (error) {
          expect(HeedError.isInstance(error), String(error)).toBe(true);
        }
      }
    }
  });
});

test.each(['float16', 'bfloat16'] as const)('%s is written in its own type', (dtype) => {
  const numbers = tensor(new Float32Array([1.5, -2, 0]), [3]);
  const read = readSafetensors(writeSafetensors({ numbers, half: cast(numbers, dtype) }));
  expect(read.tensor('half', { keepHalf: true })).toEqual(cast(numbers, dtype));
  expect([...read.tensor('half').data]).toEqual([1.5, -2, 0]);
});

test('other types are refused when they are asked for, not before', () => {
  const read = readSafetensors(file({ a: { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, [0]));
  expect(() => read.tensor('a')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error);
  expect(() => read.tensor('b')).toThrow(expect.objectContaining({ code: 'MISSING_INPUT' }) as Error);
  const large = file(
    { a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } },
    bytesOf(new BigInt64Array([2n ** 40n])),
  );
  expect(() => readSafetensors(large).tensor('a')).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED' }) as Error,
  );
});

test('numbers at odd places of a Node Buffer, whose slice is a view', () => {
  const numbers = new Uint8Array(6);
  numbers.set(bytesOf(new Float32Array([3])), 2);
  const header = {
    half: { dtype: 'F16', shape: [1], data_offsets: [0, 2] },
    single: { dtype: 'F32', shape: [1], data_offsets: [2, 6] },
  };
  for (const padding of ['', ' ', '  ', '   ']) {
    const read = readSafetensors(Buffer.from(file(JSON.stringify(header) + padding, numbers)));
    expect([...read.tensor('single').data]).toEqual([3]);
    expect([...read.tensor('half').data]).toEqual([0]);
  }
});

test.each([
  ['F4', [6], 3],
  ['F6_E2M3', [4], 3],
  ['F8_E4M3FNUZ', [3], 3],
  ['F8_E4M3', [3], 3],
])('a tensor of type %s, which is not read, leaves the others readable', (dtype, shape, bytes) => {
  const read = readSafetensors(
    file(
      {
        'a.strange': { dtype, shape, data_offsets: [0, bytes] },
        'a.flag': { dtype: 'BOOL', shape: [1], data_offsets: [bytes, bytes + 1] },
      },
      new Uint8Array(bytes + 1),
    ),
  );
  const dict = read.stateDict('a.');
  expect(Object.keys(dict)).toEqual(['strange', 'flag']);
  expect(dict['flag']!.dtype).toBe('bool');
  expect(() => dict['strange']).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error);
});

test.each([
  [undefined],
  [null],
  ['model.safetensors'],
  [9],
  [[1, 2]],
  [{}],
  [new DataView(new ArrayBuffer(8))],
])('%s for the bytes of a file is refused', (given) => {
  expect(() => readSafetensors(given as never)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }));
});

test('bytes of another realm are taken', () => {
  const bytes = file({ a: entry }, four);
  const other = runInNewContext('Uint8Array.from(bytes)', { bytes }) as Uint8Array;
  expect(other).not.toBeInstanceOf(Uint8Array);
  expect(readSafetensors(other).tensor('a').data).toHaveLength(1);
});

test.each([
  ['a name', { 'a\u{d83d}': tensor(new Float32Array(1), [1]) }, {}],
  ['a name of metadata', {}, { '\u{de00}b': 'text' }],
  ['metadata', {}, { text: 'cut \u{d83d}' }],
])(
  'half of a surrogate pair in %s is not written, since no other reader takes it',
  (_, tensors, metadata) => {
    expect(() => writeSafetensors(tensors, { metadata })).toThrow(
      expect.objectContaining({
        code: 'ARGUMENT',
        reason: expect.stringContaining('half of a surrogate pair'),
      }),
    );
  },
);

test('whole surrogate pairs are written', () => {
  const bytes = writeSafetensors({ '😀': tensor(new Float32Array(1), [1]) }, { metadata: { '😀': '😀' } });
  expect(readSafetensors(bytes)).toMatchObject({ names: ['😀'], metadata: { '😀': '😀' } });
});
