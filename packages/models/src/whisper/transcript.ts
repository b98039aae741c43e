import type { TimedWord } from './words/times.ts';

/** A part of a transcript that the model marked, about a sentence. */
export interface TranscriptSegment {
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Ids of the text, without timestamps. */
  readonly ids: readonly number[];
  /** Mean log-probability of the window's tokens. */
  readonly logProbability: number;
  /** Probability that the window has no speech. */
  readonly noSpeechProbability: number;
  /** Empty unless words were asked for. */
  readonly words: readonly TimedWord[];
}

/** A text of what is said in a sound. */
export interface Transcript {
  readonly text: string;
  readonly segments: readonly TranscriptSegment[];
}
