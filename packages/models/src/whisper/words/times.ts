import type { WordTokens } from './split.ts';

/** A word of a transcript and its time, in seconds. */
export interface TimedWord {
  /** With the space before it. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Mean of the probabilities of its tokens. */
  readonly probability: number;
}

/** A word while its times are being settled. */
export interface DraftWord {
  text: string;
  ids: readonly number[];
  start: number;
  end: number;
  readonly probability: number;
}

/** A segment while its times are being settled. */
export interface DraftSegment {
  start: number;
  end: number;
  /** Tokens of text. */
  readonly ids: readonly number[];
}

/** Seconds of a place of the encoder's output. */
export const PLACE = 0.02;
const SENTENCE_ENDS = '.。!！?？';
/** Marks that belong to the following word, and to the one before. */
const [OPENING, CLOSING] = ['"\'“¿([{-', '"\'.。,，!！?？:：”)]}、'];

/**
 * Words with the times at which their first tokens begin; the end of one is the beginning of the next.
 *
 * @param starts place in which each token begins, and where the text ends.
 * @param probabilities of each token.
 */
export function draftWords(
  words: readonly WordTokens[],
  starts: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): DraftWord[] {
  let token = 0;
  return words.map(({ text, ids }) => {
    const first = token;
    token += ids.length;
    let sum = 0;
    for (let n = first; n < token; n++) sum += probabilities[n];
    return {
      text,
      ids,
      start: starts[first] * PLACE,
      end: starts[token] * PLACE,
      probability: sum / ids.length,
    };
  });
}

/** Usual durations of a window's words, in seconds. */
export interface Durations {
  readonly median: number;
  readonly maximum: number;
}

/** The median of the words that have a duration, 0.7 s at most; twice that is long. */
export function durationsOf(words: readonly DraftWord[]): Durations {
  const durations = words
    .map(({ start, end }) => end - start)
    .filter((duration) => duration > 0)
    .sort((a, b) => a - b);
  const middle = durations.length / 2;
  const median =
    durations.length === 0 ? 0 : (durations[Math.ceil(middle) - 1] + durations[Math.floor(middle)]) / 2;
  const limited = Math.min(0.7, median);
  return { median: limited, maximum: 2 * limited };
}

/** Cuts marks that end a sentence, and words behind them, to the maximum: pauses belong to neither. */
export function cutAtSentences(words: readonly DraftWord[], { maximum }: Durations): void {
  if (maximum === 0) return;
  for (let n = 1; n < words.length; n++) {
    const word = words[n];
    if (word.end - word.start <= maximum) continue;
    if (SENTENCE_ENDS.includes(word.text)) word.end = word.start + maximum;
    else if (SENTENCE_ENDS.includes(words[n - 1].text)) word.start = word.end - maximum;
  }
}

/** Joins punctuation to its word, whose times stay those of the letters. */
export function joinPunctuation(words: readonly DraftWord[]): DraftWord[] {
  const joined: DraftWord[] = [];
  for (const word of words.toReversed()) {
    const next = joined[0];
    const isOpening = word.text.startsWith(' ') && OPENING.includes(word.text.trim());
    if (isOpening && next !== undefined) {
      next.text = word.text + next.text;
      next.ids = [...word.ids, ...next.ids];
    } else joined.unshift({ ...word });
  }
  const result: DraftWord[] = [];
  for (const word of joined) {
    const last = result.at(-1);
    if (last !== undefined && !last.text.endsWith(' ') && CLOSING.includes(word.text)) {
      last.text += word.text;
      last.ids = [...last.ids, ...word.ids];
    } else result.push(word);
  }
  return result;
}

/**
 * Gives each segment its words and settles the times of both: after a pause the first words are cut to the maximum, and a
 * segment's own timestamps count where a word at its edge is far longer.
 *
 * @param offset of the window, in seconds.
 * @param spoken end of what was said before, in seconds.
 */
export function wordsOfSegments(
  segments: readonly DraftSegment[],
  words: readonly DraftWord[],
  durations: Durations,
  offset: number,
  spoken: number,
): readonly (readonly TimedWord[])[] {
  const { median, maximum } = durations;
  let next = 0;
  let lastEnd = spoken;
  return segments.map((segment) => {
    const own: DraftWord[] = [];
    for (let tokens = 0; next < words.length && tokens < segment.ids.length; next++) {
      const word = words[next];
      own.push({ ...word, start: round(offset + word.start), end: round(offset + word.end) });
      tokens += word.ids.length;
    }
    const [first, second] = own;
    const last = own.at(-1);
    if (first === undefined || last === undefined) return [];
    const isLong =
      first.end - first.start > maximum || (second !== undefined && second.end - first.start > 2 * maximum);
    if (first.end - lastEnd > 4 * median && isLong) {
      if (second !== undefined && second.end - second.start > maximum) {
        first.end = second.start = Math.max(second.end / 2, second.end - maximum);
      }
      first.start = Math.max(0, first.end - maximum);
    }
    if (segment.start < first.end && segment.start - 0.5 > first.start) {
      first.start = Math.max(0, Math.min(first.end - median, segment.start));
    } else segment.start = first.start;
    if (segment.end > last.start && segment.end + 0.5 < last.end) {
      last.end = Math.max(last.start + median, segment.end);
    } else segment.end = last.end;
    lastEnd = segment.end;
    return own.map(({ text, start, end, probability }) => ({ text, start, end, probability }));
  });
}

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
