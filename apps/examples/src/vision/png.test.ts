import { seededRandom } from '@heed/layers';
import { deflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { pngAddress, readPNG, squareOf } from './png.ts';

const random = seededRandom(1);
const picture = { width: 5, height: 3, data: Uint8Array.from({ length: 45 }, () => 256 * random()) };
const fileOf = (address: string): Buffer =>
  Buffer.from(address.slice('data:image/png;base64,'.length), 'base64');

test('what is written is read', () => {
  expect(readPNG(fileOf(pngAddress(picture)))).toEqual(picture);
});

test.each([1, 2, 3, 4])('rows with the filter %i', (kind) => {
  const rows = Buffer.alloc(3 * 16);
  const at = (x: number, y: number): number => (x < 0 || y < 0 ? 0 : picture.data[y * 15 + x]!);
  for (let y = 0; y < 3; y++) {
    rows[y * 16] = kind;
    for (let x = 0; x < 15; x++) {
      const [left, up, corner] = [at(x - 3, y), at(x, y - 1), at(x - 3, y - 1)];
      const guess = left + up - corner;
      const [nearest] = [left, up, corner].sort((a, b) => Math.abs(guess - a) - Math.abs(guess - b));
      rows[y * 16 + 1 + x] = at(x, y) - [0, left, up, Math.floor((left + up) / 2), nearest!][kind]!;
    }
  }
  const plain = fileOf(pngAddress(picture));
  const start = plain.indexOf('IDAT') - 4;
  const data = deflateSync(rows);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const file = Buffer.concat([plain.subarray(0, start), length, Buffer.from('IDAT'), data, Buffer.alloc(4)]);
  expect(readPNG(file)).toEqual(picture);
});

test('other files are refused', () => {
  expect(() => readPNG(Buffer.from('GIF89a..'))).toThrow('does not begin as a PNG');
  const deep = fileOf(pngAddress(picture));
  deep[24] = 16;
  expect(() => readPNG(deep)).toThrow('it has 16 bits');
});

test('the middle square, smaller: means of what each pixel covers', () => {
  const gray = Uint8Array.from([9, 0, 2, 4, 6, 9, 9, 8, 10, 12, 14, 9], (value) => value);
  const data = Uint8Array.from({ length: 36 }, (_, n) => gray[Math.floor(n / 3)]!);
  expect([...squareOf({ width: 6, height: 2, data }, 1).data]).toEqual([7, 7, 7]);
  expect(squareOf(picture, 3).width).toBe(3);
});
