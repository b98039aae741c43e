import { expect, test } from 'vitest';
import { openGGUF } from '../index.ts';
import { type Written, f32, writeGGUF } from '../test/write-gguf.ts';

const open = (bytes: Uint8Array): ReturnType<typeof openGGUF> => openGGUF(new Blob([bytes as BlobPart]));

/** Float16 of 0.5, and of −2. */
const [HALF, MINUS_TWO] = [
  [0x00, 0x38],
  [0x00, 0xc0],
] as const;
const nibbles = Array.from({ length: 16 }, (_, n) => n | ((15 - n) << 4));

const tensors: readonly Written[] = [
  f32('matrix', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
  { name: 'half', type: 1, shape: [2], bytes: Uint8Array.of(...HALF, ...MINUS_TWO) },
  {
    name: 'q8',
    type: 8,
    shape: [1, 32],
    bytes: Uint8Array.of(...HALF, ...Array.from({ length: 32 }, (_, n) => (n - 16) & 255)),
  },
  { name: 'q4', type: 2, shape: [32], bytes: Uint8Array.of(...HALF, ...nibbles) },
  { name: 'q41', type: 3, shape: [32], bytes: Uint8Array.of(...HALF, ...MINUS_TWO, ...nibbles) },
  { name: 'k', type: 12, shape: [256], bytes: new Uint8Array(144) },
];

test('metadata and tensors of each type', async () => {
  const metadata = {
    'general.name': 'naïve',
    count: 3,
    share: 0.25,
    is: true,
    words: ['a', 'b'],
    list: [7, 8],
  };
  const file = await open(writeGGUF(metadata, tensors));
  expect({ ...file.metadata }).toEqual(metadata);
  expect(file.names).toEqual(tensors.map(({ name }) => name));
  expect(file.describe('q41')).toEqual({ type: 'Q4_1', shape: [32] });
  const numbers = async (name: string): Promise<number[]> => Array.from((await file.tensor(name)).data);
  expect((await file.tensor('matrix')).shape).toEqual([2, 3]);
  expect(await numbers('matrix')).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await numbers('half')).toEqual([0.5, -2]);
  expect(await numbers('q8')).toEqual(Array.from({ length: 32 }, (_, n) => (n - 16) / 2));
  const stored = Array.from({ length: 32 }, (_, n) => (n < 16 ? n : 31 - n));
  expect(await numbers('q4')).toEqual(stored.map((q) => (q - 8) / 2));
  expect(await numbers('q41')).toEqual(stored.map((q) => q / 2 - 2));
});

test('a type that is not read is refused by its name when it is asked for', async () => {
  const file = await open(writeGGUF({}, tensors));
  await expect(file.tensor('k')).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('Q4_K') as string,
  });
  await expect(file.tensor('absent')).rejects.toMatchObject({ code: 'MISSING_INPUT' });
});

test('a header of several megabytes', async () => {
  const words = Array.from({ length: 200_000 }, (_, n) => `word ${n}`);
  const file = await open(writeGGUF({ words }, tensors));
  expect(file.metadata['words']).toEqual(words);
  expect(Array.from((await file.tensor('half')).data)).toEqual([0.5, -2]);
});

const good = writeGGUF({ key: 1 }, tensors.slice(0, 1));
function changed(at: number, ...bytes: number[]): Uint8Array {
  const copy = good.slice();
  copy.set(bytes, at);
  return copy;
}

test.each<[string, string, Uint8Array]>([
  ['another magic', 'gguf.header', changed(0, 1)],
  ['version 2', 'gguf.header', changed(4, 2)],
  ['a big-endian file', 'gguf.header', changed(4, 0, 0, 0, 3)],
  ['more tensors than bytes', 'gguf.header', changed(8, 255, 255, 255, 255, 255, 255, 255, 255)],
  ['more keys than bytes', 'gguf.header', changed(16, 255, 255, 255)],
  ['an unknown type of value', 'gguf.metadata', changed(35, 99)],
  ['not UTF-8', 'gguf.metadata', changed(32, 0xff)],
  ['an unknown type of tensor', 'gguf.tensor', changed(good.indexOf(109) + 26, 77)],
  ['an offset that is not aligned', 'gguf.layout', changed(good.indexOf(109) + 30, 1)],
  ['tensors past the end', 'gguf.layout', changed(good.indexOf(109) + 31, 1)],
  ['a name twice', 'gguf.tensor', writeGGUF({}, [tensors[0], tensors[0]])],
  [
    'a key twice',
    'gguf.metadata',
    (() => {
      const bytes = writeGGUF({ a: 1, b: 1 }, []);
      bytes[bytes.indexOf(98)] = 97;
      return bytes;
    })(),
  ],
  [
    'a name of kilobytes',
    'gguf.tensor',
    writeGGUF({}, [{ ...tensors[3], name: 'n'.repeat(9000), shape: [2, 16] }]),
  ],
  ['rows that are not whole blocks', 'gguf.tensor', writeGGUF({}, [{ ...tensors[3], shape: [2, 16] }])],
])('%s is refused with %s', async (_, clause, bytes) => {
  const error = await open(bytes).then(
    () => null,
    (thrown: unknown) => thrown as Error,
  );
  expect(error).toMatchObject({ code: 'ARGUMENT', clause });
  expect(error!.message.length).toBeLessThan(400);
});

test('a file that ends anywhere is refused, and no other error', async () => {
  for (let length = 0; length < good.length - 8; length += 3) {
    await expect(open(good.slice(0, length)), `${length} bytes`).rejects.toMatchObject({ code: 'ARGUMENT' });
  }
});

test('what is not a Blob is refused', async () => {
  await expect(openGGUF(good as never)).rejects.toMatchObject({ code: 'ARGUMENT', clause: 'gguf.header' });
});

/** A file of one key, and no tensors. */
function fileOfOne(type: number, value: readonly number[], key = 'key'): Uint8Array {
  const little = (n: number, bytes: number): number[] => [
    ...new Uint8Array(new BigUint64Array([BigInt(n)]).buffer.slice(0, bytes)),
  ];
  const text = [...new TextEncoder().encode(key)];
  const head = [...new TextEncoder().encode('GGUF'), ...little(3, 4), ...little(0, 8), ...little(1, 8)];
  return Uint8Array.of(...head, ...little(text.length, 8), ...text, ...little(type, 4), ...value);
}

test.each<[type: string, number, ArrayBufferView & { readonly buffer: ArrayBufferLike }, unknown]>([
  ['uint8', 0, Uint8Array.of(200), 200],
  ['int8', 1, Int8Array.of(-3), -3],
  ['uint16', 2, Uint16Array.of(60_000), 60_000],
  ['int16', 3, Int16Array.of(-300), -300],
  ['int32', 5, Int32Array.of(-70_000), -70_000],
  ['uint64', 10, BigUint64Array.of(2n ** 60n), 2n ** 60n],
  ['int64', 11, BigInt64Array.of(-5n), -5],
  ['float64', 12, Float64Array.of(0.1), 0.1],
])('metadata of %s', async (_, type, value, expected) => {
  const file = await open(fileOfOne(type, [...new Uint8Array(value.buffer)]));
  expect(file.metadata['key']).toBe(expected);
});

test.each<[string, RegExp, Uint8Array]>([
  ['a boolean of 2', /a boolean at byte \d+ is 2; expected 0 or 1/, fileOfOne(7, [2])],
  ['an array of arrays', /"key" is an array of arrays/, fileOfOne(9, [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
  [
    'an alignment of 4',
    /general\.alignment is 4; expected a multiple of 8/,
    fileOfOne(4, [4, 0, 0, 0], 'general.alignment'),
  ],
])('%s is refused', async (_, message, bytes) => {
  await expect(open(bytes)).rejects.toMatchObject({
    code: 'ARGUMENT',
    message: expect.stringMatching(message) as string,
  });
});
