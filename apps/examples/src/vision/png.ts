import { HeedError } from '@heed/core';
import type { Picture } from '@heed/models';
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Channels of the types gray, RGB, palette, gray with alpha and RGB with alpha. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Reads a PNG of 8 bits a channel that is not interlaced (ISO/IEC 15948). */
export function readPNG(file: Buffer): Picture {
  if (!file.subarray(0, 8).equals(SIGNATURE)) throw unreadable('it does not begin as a PNG');
  let [width, height, type] = [0, 0, 0];
  let palette: Uint8Array = new Uint8Array(0);
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const [length, name] = [file.readUInt32BE(at), file.toString('latin1', at + 4, at + 8)];
    const data = file.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') {
      [width, height, type] = [data.readUInt32BE(0), data.readUInt32BE(4), data[9]!];
      if (data[8] !== 8 || data[12] !== 0 || CHANNELS[type] === undefined) {
        throw unreadable(`it has ${data[8]} bits, type ${type}, interlacing ${data[12]}`);
      }
    }
    if (name === 'PLTE') palette = data;
    if (name === 'IDAT') parts.push(data);
    at += 12 + length;
  }
  const channels = CHANNELS[type]!;
  const bytes = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  const result = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < 3; c++) {
      const value = bytes[pixel * channels + (channels > 2 ? c : 0)]!;
      result[3 * pixel + c] = type === 3 ? palette[3 * value + c]! : value;
    }
  }
  return { width, height, data: result };
}

/** Undoes the filters of the rows. */
function unfiltered(data: Buffer, row: number, height: number, channels: number): Uint8Array {
  const result = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const kind = data[y * (row + 1)]!;
    for (let x = 0; x < row; x++) {
      const left = x < channels ? 0 : result[y * row + x - channels]!;
      const up = y === 0 ? 0 : result[(y - 1) * row + x]!;
      const corner = x < channels || y === 0 ? 0 : result[(y - 1) * row + x - channels]!;
      const guess = [0, left, up, Math.floor((left + up) / 2), nearest(left, up, corner)][kind];
      if (guess === undefined) throw unreadable(`a row has the filter ${kind}`);
      result[y * row + x] = data[y * (row + 1) + 1 + x]! + guess;
    }
  }
  return result;
}

/** Paeth's predictor. */
function nearest(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value)) as [number, number, number];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** A PNG of an RGB picture as a `data:` address. */
export function pngAddress({ width, height, data }: Picture): string {
  const rows = Buffer.alloc(height * (3 * width + 1));
  for (let y = 0; y < height; y++) {
    rows.set(data.subarray(y * 3 * width, (y + 1) * 3 * width), y * (3 * width + 1) + 1);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const file = Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
  return `data:image/png;base64,${file.toString('base64')}`;
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

function unreadable(message: string): HeedError {
  return new HeedError('UNSUPPORTED', `the picture cannot be read: ${message}`, {
    remedy: 'save it as a PNG of 8 bits a channel, not interlaced',
  });
}

/** The middle square of a picture at another size: each pixel is the mean of those that it covers. */
export function squareOf({ width, height, data }: Picture, size: number): Picture {
  const side = Math.min(width, height);
  const [top, left] = [(height - side) / 2, (width - side) / 2];
  const channels = data.length / (width * height);
  const result = new Uint8Array(3 * size * size);
  const covered = (start: number, n: number): readonly [number, number] => {
    const from = Math.floor(start + (n * side) / size);
    return [from, Math.max(from + 1, Math.floor(start + ((n + 1) * side) / size))];
  };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [[y0, y1], [x0, x1]] = [covered(top, y), covered(left, x)];
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let v = y0; v < y1; v++)
          for (let u = x0; u < x1; u++) sum += data[(v * width + u) * channels + c]!;
        result[3 * (y * size + x) + c] = Math.round(sum / ((y1 - y0) * (x1 - x0)));
      }
    }
  }
  return { width: size, height: size, data: result };
}
