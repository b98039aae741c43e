import { seededRandom } from '@heed/layers';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readWav } from '../index.ts';
import { Fourier } from './fourier.ts';
import { logMel, melFilters } from './log-mel.ts';
import { resample } from './resample.ts';
import { checkSound } from './sound.ts';

const CASES = new URL('../../cases/speech/', import.meta.url);

/** A WAV file of samples that a function writes. */
function wav(
  [tag, bits, channels]: readonly [number, number, number],
  values: readonly number[],
  write: (view: DataView, at: number, value: number) => void,
): Uint8Array {
  const bytes = values.length * (bits / 8);
  const view = new DataView(new ArrayBuffer(46 + bytes));
  const text = (at: number, value: string): void =>
    [...value].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  text(0, 'RIFF');
  text(8, 'WAVE');
  text(12, 'fmt ');
  view.setUint32(16, 18, true);
  view.setUint16(20, tag, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, 8000, true);
  view.setUint16(34, bits, true);
  text(38, 'data');
  view.setUint32(42, bytes, true);
  values.forEach((value, n) => write(view, 46 + n * (bits / 8), value));
  return new Uint8Array(view.buffer);
}

describe('WAV files', () => {
  test.each<[string, Uint8Array]>([
    ['8 bits', wav([1, 8, 1], [192, 0], (view, at, value) => view.setUint8(at, value))],
    ['16 bits', wav([1, 16, 1], [16384, -32768], (view, at, value) => view.setInt16(at, value, true))],
    [
      '24 bits',
      wav([1, 24, 1], [0x400000, -0x800000], (view, at, value) => {
        view.setUint16(at, value & 0xffff, true);
        view.setInt8(at + 2, value >> 16);
      }),
    ],
    ['32 bits', wav([1, 32, 1], [2 ** 30, -(2 ** 31)], (view, at, value) => view.setInt32(at, value, true))],
    ['floats', wav([3, 32, 1], [0.5, -1], (view, at, value) => view.setFloat32(at, value, true))],
    ['doubles', wav([3, 64, 1], [0.5, -1], (view, at, value) => view.setFloat64(at, value, true))],
    ['stereo', wav([3, 32, 2], [0, 1, -1, -1], (view, at, value) => view.setFloat32(at, value, true))],
  ])('%s', (_, bytes) => {
    const { samples, sampleRate } = readWav(bytes);
    expect([...samples]).toEqual([0.5, -1]);
    expect(sampleRate).toBe(8000);
  });

  test('what is not a whole WAV file is refused', () => {
    const whole = wav([1, 16, 1], [1, 2], (view, at, value) => view.setInt16(at, value, true));
    expect(() => readWav(new Uint8Array(8))).toThrow('does not begin as a WAV file');
    expect(() => readWav(whole.subarray(0, whole.length - 1))).toThrow('the data end at byte 50 of 49');
    expect(() => readWav(whole.subarray(0, 38))).toThrow('the file has no data');
    const law = whole.slice();
    law[20] = 7;
    expect(() => readWav(law)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error);
  });

  test.each<[string, unknown]>([
    ['samples', { samples: [0], sampleRate: 8000 }],
    ['sampleRate', { samples: new Float32Array(1), sampleRate: 0 }],
    ['not finite', { samples: Float32Array.of(NaN), sampleRate: 8000 }],
    ['samples', null],
  ])('what is not a sound is refused: %s', (words, sound) => {
    expect(() => checkSound(sound)).toThrow(words);
  });
});

test.each([1, 2, 4, 7, 8, 12, 25, 48, 400])(
  'a Fourier transform of length %i is the sum that defines it',
  (length) => {
    const random = seededRandom(length);
    const input = Array.from({ length }, () => [random() - 0.5, random() - 0.5] as const);
    const real = Float64Array.from(input, ([re]) => re);
    const imaginary = Float64Array.from(input, ([, im]) => im);
    new Fourier(length).transform(real, imaginary);
    for (let k = 0; k < length; k++) {
      let [sumRe, sumIm] = [0, 0];
      input.forEach(([re, im], n) => {
        const angle = (-2 * Math.PI * k * n) / length;
        sumRe += re * Math.cos(angle) - im * Math.sin(angle);
        sumIm += re * Math.sin(angle) + im * Math.cos(angle);
      });
      expect(Math.hypot(sumRe - real[k]!, sumIm - imaginary[k]!)).toBeLessThan(1e-11);
    }
  },
);

test('another rate: tones that both hold stay, higher ones go', () => {
  const tone = (hertz: number, rate: number, length: number): Float32Array =>
    Float32Array.from({ length }, (_, n) => Math.sin((2 * Math.PI * hertz * n) / rate));
  for (const [from, to] of [
    [48_000, 16_000],
    [24_000, 16_000],
    [8_000, 16_000],
    [44_100, 16_000],
  ] as const) {
    const result = resample(tone(1000, from, from / 2), from, to);
    expect(result.length).toBe(to / 2);
    const expected = tone(1000, to, to / 2);
    const middle = result.subarray(200, -200);
    middle.forEach((value, n) => expect(Math.abs(value - expected[n + 200]!)).toBeLessThan(2e-3));
  }
  const high = resample(tone(11_000, 48_000, 24_000), 48_000, 16_000).subarray(200, -200);
  expect(Math.max(...high.map(Math.abs))).toBeLessThan(1e-3);
});

describe('log-mel', () => {
  test('filters are triangles of equal area, each where the last one has its peak', () => {
    const filters = melFilters(80);
    expect(filters[0]!.first).toBe(1);
    const { first, weights } = filters[79]!;
    expect(first + weights.length).toBe(200);
    for (const bin of [40, 60, 79]) {
      // 40 Hz from a frequency to the next.
      const area = filters[bin]!.weights.reduce((sum, weight) => sum + 40 * weight, 0);
      expect(Math.abs(area - 1)).toBeLessThan(0.08);
    }
  });

  test('frames of a clip are those of another program, within 2e-4', async () => {
    const { frames, values } = JSON.parse(readFileSync(new URL('log-mel.json', CASES), 'utf8')) as {
      readonly frames: readonly number[];
      readonly values: readonly (readonly number[])[];
    };
    const { samples } = readWav(readFileSync(new URL('beckett.wav', CASES)));
    const mel = await logMel(samples, 80);
    expect(mel.frames).toBe(996);
    frames.forEach((frame, n) =>
      values[n]!.forEach((value, bin) =>
        expect(Math.abs(mel.data[frame * 80 + bin]! - value)).toBeLessThan(2e-4),
      ),
    );
  });

  test.each([160, 400, 1000, 1001, 1599])(
    'a sound of %i samples is as one that silence follows, around its end, too',
    async (length) => {
      const samples = Float32Array.from({ length }, (_, n) => Math.sin(n / 3) + 0.1 * Math.sin(n * n));
      const padded = new Float32Array(length + 1600);
      padded.set(samples);
      const [mel, whole] = [await logMel(samples, 80), await logMel(padded, 80)];
      const expected = whole.data.slice();
      expect(mel.frames).toBe(Math.floor(length / 160));
      expect(mel.data).toEqual(expected.subarray(0, mel.data.length));
      expect(mel.data.subarray(mel.frames * 80).some((value) => value > mel.floor)).toBe(true);
      expect(expected.subarray(mel.data.length).every((value) => value === mel.floor)).toBe(true);
    },
  );

  test('silence', async () => {
    const mel = await logMel(new Float32Array(1600), 80);
    expect(mel.frames).toBe(10);
    expect(mel.data.every((value) => value === -1.5)).toBe(true);
    expect(mel.floor).toBe(-1.5);
  });
});
