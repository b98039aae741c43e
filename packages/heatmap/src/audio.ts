import { HeedError, type PlainTensorLike } from '@heed/core';
import { shown } from '@heed/core/backend';
import { checkChoices } from './options.ts';
import { HEATMAP_NAMES, type HeatmapOptions, type HeatmapView, heatmap } from './view.ts';
import { weightsOf } from './weights.ts';

/** Options of {@link overAudio}. */
export interface AudioOptions extends Omit<HeatmapOptions, 'columns' | 'highlight'> {
  /** The length of a frame (a key): 0.02 for Whisper's encoder. */
  readonly secondsPerFrame: number;
  /** The sound itself, mono, −1 to 1, as long as all frames together: its loudness is drawn below them. */
  readonly samples?: Float32Array | undefined;
}

/**
 * Draws which frames of a sound each token attends to: columns are labeled with their times.
 *
 * @param weights `[Lq, frames]`, or `[B, Hq, Lq, frames]` with a batch element and a head chosen.
 * @throws HeedError `ARGUMENT` for a frame that takes no time, or samples in no typed array; otherwise as {@link heatmap} does.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { overAudio } from '@heed/heatmap';
 *
 * const weights = tensor(new Float32Array([0.1, 0.8, 0.1]), [1, 3]);
 * const view = overAudio(weights, { rows: ['hello'], secondsPerFrame: 0.5 });
 * console.log(view.columns.join()); // 0:00.0,0:00.5,0:01.0
 * ```
 */
export function overAudio(weights: PlainTensorLike, options: AudioOptions): HeatmapView {
  const { columns: _columns, highlight: _highlight, ...names } = HEATMAP_NAMES;
  checkChoices('overAudio()', options, { ...names, secondsPerFrame: true, samples: true });
  const { secondsPerFrame, samples, ...rest } = options;
  if (!(Number.isFinite(secondsPerFrame) && secondsPerFrame > 0)) {
    throw new HeedError(
      'ARGUMENT',
      `secondsPerFrame is ${shown(secondsPerFrame)}; expected seconds greater than 0`,
      {
        remedy: 'give the time from one key to the next: 0.02 for Whisper',
      },
    );
  }
  if (samples !== undefined && !ArrayBuffer.isView(samples)) {
    throw new HeedError('ARGUMENT', `samples is ${shown(samples)}; expected a Float32Array`, {
      remedy: 'give Float32Array.from(samples)',
    });
  }
  const frames = weightsOf(weights).lengths[3];
  const digits = Math.min(3, Math.max(1, Math.ceil(-Math.log10(secondsPerFrame))));
  const columns = Array.from({ length: frames }, (_, frame) => timeOf(frame * secondsPerFrame, digits));
  const view = heatmap(weights, { ...rest, title: options.title ?? 'Attention over the sound', columns });
  return { ...view, signal: samples === undefined ? null : loudness(samples, frames) };
}

function timeOf(seconds: number, digits: number): string {
  const ticks = Math.round(seconds * 10 ** digits);
  const minutes = Math.floor(ticks / (60 * 10 ** digits));
  const rest = (ticks / 10 ** digits - 60 * minutes).toFixed(digits).padStart(3 + digits, '0');
  return `${minutes}:${rest}`;
}

/** The root mean square of each frame's samples, the loudest being 1. */
function loudness(samples: Float32Array, frames: number): Float64Array {
  const heights = Float64Array.from({ length: frames }, (_, frame) => {
    const start = Math.floor((frame * samples.length) / frames);
    const part = samples.subarray(start, Math.floor(((frame + 1) * samples.length) / frames));
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, part.length));
  });
  const loudest = heights.reduce((most, height) => Math.max(most, height), 0);
  return loudest > 0 ? heights.map((height) => height / loudest) : heights;
}
