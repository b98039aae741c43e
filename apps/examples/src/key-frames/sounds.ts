/**
 * Synthesized sound: a second of notes in noise, one for each of 32 frames. In one frame a bell rings with its note,
 * and the question is which note that was. Every note sounds in many frames, so that only the bell tells them apart.
 */

export const SAMPLE_RATE = 8000;
export const FRAMES = 32;
export const FRAME = 256;
export const NOTES: readonly number[] = [262, 330, 392, 523, 659, 784];
const BELL: readonly number[] = [2093, 2637, 3136];
/** Center frequencies of the bands, Hz: the white keys from C4 to G7. */
const BANDS: readonly number[] = Array.from(
  { length: 26 },
  (_, n) => 261.63 * 2 ** (Math.floor(n / 7) + [0, 2, 4, 5, 7, 9, 11][n % 7] / 12),
);

export interface Sound {
  readonly samples: Float32Array;
  /** The frame in which the bell rings. */
  readonly bell: number;
  /** The index of its note. */
  readonly note: number;
}

export function randomSound(random: () => number): Sound {
  const samples = new Float32Array(FRAMES * FRAME);
  const notes = Array.from({ length: FRAMES }, () => Math.floor(random() * NOTES.length));
  const bell = Math.floor(random() * FRAMES);
  for (let frame = 0; frame < FRAMES; frame++) {
    const tones = [{ frequency: NOTES[notes[frame]], loudness: 0.3 + 0.3 * random(), phase: random() }];
    if (frame === bell) {
      tones.push(
        ...BELL.map((frequency) => ({ frequency, loudness: 0.15 + 0.1 * random(), phase: random() })),
      );
    }
    for (let n = 0; n < FRAME; n++) {
      let sample = 0.1 * (random() + random() + random() - 1.5);
      for (const { frequency, loudness, phase } of tones) {
        sample += loudness * Math.sin(2 * Math.PI * ((frequency * n) / SAMPLE_RATE + phase));
      }
      samples[frame * FRAME + n] = sample;
    }
  }
  return { samples, bell, note: notes[bell] };
}

const WINDOW = Float64Array.from(
  { length: FRAME },
  (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FRAME),
);

/** Loudness of each band in each frame, as a logarithm: `[32, 24]` (Goertzel 1958). */
export function spectrum(samples: Float32Array): Float32Array {
  const result = new Float32Array(FRAMES * BANDS.length);
  for (let frame = 0; frame < FRAMES; frame++) {
    BANDS.forEach((band, n) => {
      const coefficient = 2 * Math.cos((2 * Math.PI * band) / SAMPLE_RATE);
      let [last, before] = [0, 0];
      for (let at = frame * FRAME; at < (frame + 1) * FRAME; at++) {
        [last, before] = [WINDOW[at % FRAME] * samples[at] + coefficient * last - before, last];
      }
      const power = last ** 2 + before ** 2 - coefficient * last * before;
      result[frame * BANDS.length + n] = Math.log(power + 1) / 2;
    });
  }
  return result;
}

export const BAND_COUNT: number = BANDS.length;
