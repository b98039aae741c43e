import { PLACE } from './words/times.ts';

/** A segment that a window's tokens mark. */
export interface MarkedSegment {
  /** Seconds. */
  start: number;
  end: number;
  /** Timestamps included. */
  readonly tokens: readonly number[];
}

export interface Marked {
  readonly segments: readonly MarkedSegment[];
  /** Frames from this window's beginning to the next one's. */
  readonly advance: number;
  /** True if the text ends with one timestamp: nothing is said behind it in this window. */
  readonly isComplete: boolean;
}

/** Frames of 10 ms in a place of the encoder's output. */
const FRAMES = 2;

/**
 * Cuts a window's tokens between two timestamps in a row. What stands after the last pair is cut off by the window's end, and is
 * left to the next window.
 *
 * @param offset of the window, in seconds.
 * @param frames that the sound fills of the window.
 */
export function markedSegments(
  tokens: readonly number[],
  firstTimestamp: number,
  offset: number,
  frames: number,
): Marked {
  const isTime = (id: number | undefined): boolean => id !== undefined && id >= firstTimestamp;
  const secondsOf = (id: number): number => offset + (id - firstTimestamp) * PLACE;
  const isComplete = tokens.length >= 2 && !isTime(tokens.at(-2)) && isTime(tokens.at(-1));
  const cuts = tokens.flatMap((id, n) => (n > 0 && isTime(id) && isTime(tokens[n - 1]) ? [n] : []));
  if (cuts.length === 0) {
    const latest = tokens.findLast((id) => id > firstTimestamp);
    const end = latest === undefined ? offset + frames / 100 : secondsOf(latest);
    return { segments: [{ start: offset, end, tokens }], advance: frames, isComplete };
  }
  const ends = isComplete ? [...cuts, tokens.length] : cuts;
  const segments = ends.map((end, n) => {
    const part = tokens.slice(ends[n - 1] ?? 0, end);
    return { start: secondsOf(part[0]!), end: secondsOf(part.at(-1)!), tokens: part };
  });
  const last = tokens[cuts.at(-1)! - 1]! - firstTimestamp;
  return { segments, advance: isComplete ? frames : last * FRAMES, isComplete };
}
