import { zlibSync } from 'fflate';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Eight bits a channel, with transparency, no interlacing (W3C, "Portable Network Graphics", section 11.2.1). */
const FORMAT = [8, 6, 0, 0, 0];

/** A PNG file of red, green, blue and opacity, four bytes a pixel, row by row. */
export function encodePNG(width: number, height: number, pixels: Uint8Array): Uint8Array {
  const stride = 4 * width;
  // Before each row a byte that names its filter: 0, none.
  const rows = new Uint8Array(height * (1 + stride));
  for (let row = 0; row < height; row++) {
    rows.set(pixels.subarray(row * stride, (row + 1) * stride), row * (1 + stride) + 1);
  }
  const header = Uint8Array.of(...bigEndian(width), ...bigEndian(height), ...FORMAT);
  const chunks = [chunk('IHDR', header), chunk('IDAT', zlibSync(rows)), chunk('IEND', new Uint8Array(0))];
  const file = new Uint8Array(SIGNATURE.length + chunks.reduce((size, { length }) => size + length, 0));
  file.set(SIGNATURE);
  let at = SIGNATURE.length;
  for (const bytes of chunks) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/** A length, a type, the data, and a check of the last two. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  bytes.set(bigEndian(data.length));
  bytes.set(
    Array.from(type, (letter) => letter.charCodeAt(0)),
    4,
  );
  bytes.set(data, 8);
  bytes.set(bigEndian(cyclicCheck(bytes.subarray(4, 8 + data.length))), 8 + data.length);
  return bytes;
}

function bigEndian(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** The remainder of each byte's division, by the polynomial of ISO 3309, bits reversed. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

function cyclicCheck(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = REMAINDERS[(remainder ^ byte) & 255]! ^ (remainder >>> 8);
  return ~remainder >>> 0;
}
