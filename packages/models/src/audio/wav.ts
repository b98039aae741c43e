import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import type { Sound } from './sound.ts';

/** Format tags (Microsoft, "Multimedia programming interface and data specifications 1.0", 1991; mmreg.h). */
const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];

interface Format {
  readonly tag: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

/**
 * Reads a WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64. Several channels become one, their mean.
 *
 * @throws HeedError `ARGUMENT` for what is not a whole WAV file; `UNSUPPORTED` for another encoding.
 *
 * @example
 * ```ts
 * import { readWav } from '@heed/models';
 *
 * const header = [0x46464952, 38, 0x45564157, 0x20746d66, 16, 0x10001, 8000, 16000, 0x100002, 0x61746164, 2];
 * const bytes = new Uint8Array([...new Uint8Array(Uint32Array.from(header).buffer), 0, 0x40]);
 * const { samples, sampleRate } = readWav(bytes);
 * console.log(samples[0], sampleRate); // 0.5 8000
 * ```
 */
export function readWav(bytes: Uint8Array): Sound {
  if (!(bytes instanceof Uint8Array)) throw malformed(`the file is ${shown(bytes)}; expected a Uint8Array`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || text(0) !== 'RIFF' || text(8) !== 'WAVE') {
    throw malformed('the file does not begin as a WAV file');
  }
  let format: Format | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const [name, size] = [text(at), view.getUint32(at + 4, true)];
    const start = at + 8;
    if (name === 'fmt ') format = formatAt(view, start, size);
    if (name === 'data') {
      if (format === null) throw malformed('the data come before their format');
      // A writer that streams leaves the length open.
      const end = size === 0xffffffff ? bytes.length : start + size;
      if (end > bytes.length) throw malformed(`the data end at byte ${end} of ${bytes.length}`);
      return soundOf(view, start, end, format);
    }
    at = start + size + (size % 2);
  }
  throw malformed('the file has no data');
}

function formatAt(view: DataView, at: number, size: number): Format {
  if (size < 16 || at + size > view.byteLength) throw malformed('the format is cut off');
  const tag = view.getUint16(at, true);
  return {
    // The extended format has the tag at the beginning of an identifier.
    tag: tag === EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : tag,
    channels: view.getUint16(at + 2, true),
    sampleRate: view.getUint32(at + 4, true),
    bits: view.getUint16(at + 14, true),
  };
}

function soundOf(view: DataView, start: number, end: number, format: Format): Sound {
  const { channels, sampleRate, bits } = format;
  const read = readerOf(view, format);
  if (channels === 0 || sampleRate === 0) throw malformed(`it has ${channels} channels at ${sampleRate} Hz`);
  const bytes = bits / 8;
  const length = Math.floor((end - start) / (bytes * channels));
  const samples = new Float32Array(length);
  for (let n = 0; n < length; n++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += read(start + (n * channels + c) * bytes);
    samples[n] = sum / channels;
  }
  return { samples, sampleRate };
}

function readerOf(view: DataView, { tag, bits }: Format): (at: number) => number {
  const kind = `${tag === PCM ? 'pcm' : tag === FLOAT ? 'float' : String(tag)} ${bits}`;
  switch (kind) {
    case 'pcm 8':
      return (at) => (view.getUint8(at) - 128) / 128;
    case 'pcm 16':
      return (at) => view.getInt16(at, true) / 2 ** 15;
    case 'pcm 24':
      return (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23;
    case 'pcm 32':
      return (at) => view.getInt32(at, true) / 2 ** 31;
    case 'float 32':
      return (at) => view.getFloat32(at, true);
    case 'float 64':
      return (at) => view.getFloat64(at, true);
    default:
      throw new HeedError('UNSUPPORTED', `the WAV file has the encoding ${tag} with ${bits} bits`, {
        clause: 'models.wav',
        remedy: 'convert it to 16-bit PCM or 32-bit floats',
      });
  }
}

function malformed(message: string): HeedError {
  return new HeedError('ARGUMENT', `readWav(): ${message}`, {
    clause: 'models.wav',
    remedy: 'give the bytes of a whole WAV file, new Uint8Array(buffer) of an ArrayBuffer',
  });
}
