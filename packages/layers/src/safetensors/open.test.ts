import {
  mkdtempSync,
  openAsBlob,
  rmSync,
  writeFileSync,
  writeSync,
  openSync,
  ftruncateSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openSafetensors } from './open.ts';
import { readSafetensors } from './read.ts';

const folder = mkdtempSync(join(tmpdir(), 'heed-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

function beginning(header: object | string): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const HEADER = {
  __metadata__: { format: 'pt' },
  'a.weight': { dtype: 'F32', shape: [3, 2], data_offsets: [0, 24] },
  'a.flag': { dtype: 'BOOL', shape: [], data_offsets: [24, 25] },
  'a.half': { dtype: 'BF16', shape: [2, 1], data_offsets: [25, 29] },
  'b.none': { dtype: 'F32', shape: [0, 3], data_offsets: [29, 29] },
  'b.unread': { dtype: 'F8_E4M3', shape: [2], data_offsets: [29, 31] },
};
const NUMBERS = [
  new Float32Array([1, 2, 3, 4, 5, 6]),
  new Uint8Array([1]),
  new Uint8Array(new Uint16Array([0x3fc0, 0xc000]).buffer),
  new Uint8Array([1, 2]),
];
const small = (): Blob => new Blob([beginning(HEADER) as never, ...(NUMBERS as never[])]);

test('a file is described, and gives what whole files give', async () => {
  const file = await openSafetensors(small());
  const whole = readSafetensors(await small().arrayBuffer());
  expect(file.metadata).toEqual({ format: 'pt' });
  expect(file.names).toEqual(whole.names);
  expect(file.describe('a.half')).toEqual({ dtype: 'BF16', shape: [2, 1] });
  for (const name of ['a.weight', 'a.flag', 'a.half', 'b.none']) {
    expect(await file.tensor(name)).toEqual(whole.tensor(name));
  }
  expect(await file.stateDict('a.')).toEqual(whole.stateDict('a.'));
});

test('rows of a tensor are read alone', async () => {
  const read: [number, number][] = [];
  const blob = small();
  const counted = {
    size: blob.size,
    slice(begin: number, end: number) {
      read.push([begin, end]);
      return blob.slice(begin, end);
    },
  } as unknown as Blob;
  const file = await openSafetensors(counted);
  const start = beginning(HEADER).length;
  expect(read.splice(0)).toEqual([
    [0, 8],
    [0, start],
  ]);
  const rows = await file.tensor('a.weight', { start: 1, end: 3 });
  expect(rows).toMatchObject({ shape: [2, 2], data: new Float32Array([3, 4, 5, 6]) });
  expect((await file.tensor('a.half', { start: 1, end: 2 })).data).toEqual(new Float32Array([-2]));
  expect(await file.stored('a.half')).toMatchObject({ dtype: 'bfloat16', shape: [2, 1] });
  expect((await file.tensor('b.none', { start: 0, end: 0 })).shape).toEqual([0, 3]);
  expect(read).toEqual([
    [start + 8, start + 24],
    [start + 27, start + 29],
    [start + 25, start + 29],
    [start + 29, start + 29],
  ]);
});

describe('what is not there is refused', () => {
  test.each<[string, unknown, string]>([
    ['another name', ['c'], 'MISSING_INPUT'],
    ['rows past the end', ['a.weight', { start: 1, end: 4 }], 'SHAPE'],
    ['rows that end before they begin', ['a.weight', { start: 2, end: 1 }], 'SHAPE'],
    ['rows of a number', ['a.flag', { start: 0, end: 1 }], 'SHAPE'],
    ['half rows', ['a.weight', { start: 0.5, end: 1 }], 'ARGUMENT'],
    ['rows without an end', ['a.weight', { start: 0 }], 'ARGUMENT'],
    ['a type that is not read', ['b.unread'], 'UNSUPPORTED'],
  ])('%s', async (_, words, code) => {
    const file = await openSafetensors(small());
    await expect(file.tensor(...(words as [string]))).rejects.toMatchObject({ code });
  });

  test.each([[undefined], [null], ['model.safetensors'], [new Uint8Array(9)], [{}], [7]])(
    '%s for a Blob',
    async (given) => {
      await expect(openSafetensors(given as never)).rejects.toMatchObject({ code: 'ARGUMENT' });
    },
  );

  test.each([
    ['nothing', new Blob([])],
    ['a header longer than the file', new Blob([beginning('{}').slice(0, 9)])],
    ['no JSON', new Blob([beginning('{') as never])],
    ['a file that is cut', small().slice(0, small().size - 1)],
  ])('%s', async (_, blob) => {
    await expect(openSafetensors(blob)).rejects.toMatchObject({ code: 'ARGUMENT' });
  });

  test('a file that was changed since', async () => {
    const path = join(folder, 'changed');
    writeFileSync(path, new Uint8Array(await small().arrayBuffer()));
    const file = await openSafetensors(await openAsBlob(path));
    writeFileSync(path, 'shorter');
    await expect(file.tensor('a.weight')).rejects.toMatchObject({
      code: 'ENGINE',
      remedy: expect.stringContaining('open the file again'),
    });
  });
});

test('a file over 2 GiB: what is not asked for is not read', async () => {
  const hole = 3 * 2 ** 30;
  const header = beginning({
    hole: { dtype: 'U8', shape: [hole], data_offsets: [0, hole] },
    end: { dtype: 'F32', shape: [2], data_offsets: [hole, hole + 8] },
  });
  const path = join(folder, 'large');
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, header);
  ftruncateSync(descriptor, header.length + hole);
  writeSync(descriptor, new Uint8Array(new Float32Array([7, 8]).buffer), 0, 8, header.length + hole);
  closeSync(descriptor);
  const file = await openSafetensors(await openAsBlob(path));
  expect([...(await file.tensor('end')).data]).toEqual([7, 8]);
  expect([...(await file.tensor('hole', { start: hole - 2, end: hole })).data]).toEqual([0, 0]);
});
