import { nextTurn, now, TURN_MILLISECONDS } from '@heed/core/backend';
import { Fourier } from './fourier.ts';

/** Samples per second. */
export const RATE = 16_000;
/** Samples from a frame to the next: 10 ms. */
export const HOP = 160;
/** Samples that a frame is computed from: 25 ms. */
const WINDOW = 400;
const FREQUENCIES = WINDOW / 2 + 1;

/** Logarithms of the energies of a sound in bands of the mel scale. */
export interface LogMel {
  /** `[n, bins]`, of all frames that have samples of the sound: of a few more than {@link frames}. */
  readonly data: Float32Array;
  /** The number of frames in the sound: one for 10 ms. */
  readonly frames: number;
  readonly bins: number;
  /** Value of silence, as it is in {@link data}. */
  readonly floor: number;
}

/**
 * The input of Whisper (Radford et al., "Robust speech recognition via large-scale weak supervision", 2022, section 2.2):
 * magnitudes of 25 ms under a Hann window, every 10 ms, in bands of the mel scale; logarithms to base 10, at most 8 below the
 * largest, scaled to about −1…1.
 *
 * @param samples at 16 kHz; silence follows them.
 */
export async function logMel(samples: Float32Array, bins: number, signal?: AbortSignal): Promise<LogMel> {
  const frames = Math.floor(samples.length / HOP);
  // Those around its end have samples of it, too.
  const rows = frames === 0 ? 0 : Math.ceil((samples.length + WINDOW / 2) / HOP);
  const filters = melFilters(bins);
  const window = Float64Array.from(
    { length: WINDOW },
    (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / WINDOW),
  );
  const fourier = new Fourier(WINDOW);
  const [real, imaginary] = [new Float64Array(WINDOW), new Float64Array(WINDOW)];
  const powers = new Float64Array(FREQUENCIES);
  const data = new Float32Array(rows * bins);
  let largest = -10;
  const take = (frame: number, into: Float64Array): void => {
    for (let n = 0; n < WINDOW; n++) {
      // The sound is reflected at its beginning.
      into[n] = window[n] * (samples[Math.abs(frame * HOP + n - WINDOW / 2)] ?? 0);
    }
  };
  const put = (frame: number): void => {
    filters.forEach(({ first, weights }, bin) => {
      let sum = 0;
      for (let f = 0; f < weights.length; f++) sum += weights[f] * powers[first + f];
      const value = Math.log10(Math.max(sum, 1e-10));
      if (value > largest) largest = value;
      data[frame * bins + bin] = value;
    });
  };
  let turn = now();
  for (let frame = 0; frame < rows; frame += 2) {
    // Two frames as one of complex numbers: the first's spectrum is the even part of the sum's, the second's the odd one.
    take(frame, real);
    take(frame + 1, imaginary);
    fourier.transform(real, imaginary);
    for (const sign of frame + 1 < rows ? [1, -1] : [1]) {
      for (let f = 0; f < FREQUENCIES; f++) {
        const mirrored = (WINDOW - f) % WINDOW;
        const re = real[f] + sign * real[mirrored];
        const im = imaginary[f] - sign * imaginary[mirrored];
        powers[f] = (re * re + im * im) / 4;
      }
      put(sign === 1 ? frame : frame + 1);
    }
    if (now() - turn < TURN_MILLISECONDS) continue;
    await nextTurn();
    signal?.throwIfAborted();
    turn = now();
  }
  const scaled = (value: number): number => (Math.max(value, largest - 8) + 4) / 4;
  for (let n = 0; n < data.length; n++) data[n] = scaled(data[n]);
  return { data, frames, bins, floor: Math.fround(scaled(-10)) };
}

/** A triangle over frequencies. */
interface Filter {
  readonly first: number;
  readonly weights: Float64Array;
}

/** Triangles of equal area, evenly spaced on Slaney's mel scale (Slaney, "Auditory toolbox", 1998). */
export function melFilters(bins: number): readonly Filter[] {
  const highest = melOf(RATE / 2);
  const edges = Float64Array.from({ length: bins + 2 }, (_, n) => hertzOf((highest * n) / (bins + 1)));
  return Array.from({ length: bins }, (_, bin) => {
    const [low, center, high] = edges.subarray(bin, bin + 3);
    const all = Float64Array.from({ length: FREQUENCIES }, (__, f) => {
      const hertz = (f * RATE) / WINDOW;
      const height = Math.min((hertz - low) / (center - low), (high - hertz) / (high - center));
      return (Math.max(0, height) * 2) / (high - low);
    });
    const first = Math.max(
      0,
      all.findIndex((weight) => weight > 0),
    );
    return { first, weights: all.slice(first, all.findLastIndex((weight) => weight > 0) + 1) };
  });
}

/** Linear below 1 kHz, logarithmic above. */
const [BREAK_HERTZ, HERTZ_PER_MEL] = [1000, 200 / 3];
const BREAK_MEL = BREAK_HERTZ / HERTZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

function melOf(hertz: number): number {
  return hertz < BREAK_HERTZ ? hertz / HERTZ_PER_MEL : BREAK_MEL + Math.log(hertz / BREAK_HERTZ) / LOG_STEP;
}

function hertzOf(mel: number): number {
  return mel < BREAK_MEL ? mel * HERTZ_PER_MEL : BREAK_HERTZ * Math.exp(LOG_STEP * (mel - BREAK_MEL));
}
