import { type AttentionBackend, HeedError, type RunOptions, type Tensor } from '@heed/core';
import {
  abortSignal,
  array,
  assertBackend,
  checkOptions,
  flag,
  integer,
  listOf,
  number,
  oneOf,
  text as textKind,
  listed,
} from '@heed/core/backend';
import { HOP, type LogMel, RATE, logMel } from '../audio/log-mel.ts';
import { resample } from '../audio/resample.ts';
import { type Sound, checkSound } from '../audio/sound.ts';
import { type Capture, type Change, Hooks } from '../inside/hooks.ts';
import { type TextTokenizer, checkTokenizer } from '../tokenizer/tokenizer.ts';
import { WeightReader, type WeightSource } from '../weights/source.ts';
import { alignTokens } from './align.ts';
import { type WhisperCapture, capturesOf, checkCaptures, layersOf } from './captures.ts';
import { type WhisperConfig, whisperConfigOf } from './config.ts';
import { type Window, WhisperDecoder } from './decoder.ts';
import { WhisperEncoder } from './encoder.ts';
import { generateText } from './generate.ts';
import { type MarkedSegment, markedSegments } from './segments.ts';
import type { Transcript, TranscriptSegment } from './transcript.ts';
import { splitWords } from './words/split.ts';
import {
  type DraftSegment,
  type TimedWord,
  cutAtSentences,
  draftWords,
  durationsOf,
  joinPunctuation,
  wordsOfSegments,
} from './words/times.ts';

/** Files of a Whisper model, as its page on the hub has them. */
export interface WhisperFiles {
  /** The parsed config.json. */
  readonly config: object;
  /** The parsed generation_config.json. */
  readonly generation: object;
  /** Result of `openSafetensors` of `@heed/layers`. */
  readonly weights: WeightSource;
}

/** Options of {@link Whisper}'s `transcribe()`. */
export interface TranscribeOptions extends RunOptions {
  /** Also the time of each word, from cross-attention. Default false. */
  readonly words?: boolean | undefined;
  /** Language of the sound, `en`. Required for a model of many languages; other models have English alone. */
  readonly language?: string | undefined;
  /** `translate`: into English, by a model of many languages. Default `transcribe`. */
  readonly task?: 'transcribe' | 'translate' | undefined;
  /**
   * A window is skipped whose probability of no speech is above this, and whose mean log-probability is not above
   * `logProbabilityThreshold`. Default 0.6.
   */
  readonly noSpeechThreshold?: number | undefined;
  /** Mean natural logarithm of the probability of a token, up to which such a window is skipped. Default −1. */
  readonly logProbabilityThreshold?: number | undefined;
}

/** Options of {@link Whisper}'s `run()`, one pass of encoder and decoder. */
export interface WhisperRunOptions extends RunOptions {
  /** Weights of the decoder to return. Default: none. */
  readonly capture?: readonly WhisperCapture[] | undefined;
  /** Parts of the encoder to return. Default: none. */
  readonly encoderCapture?: readonly Capture[] | undefined;
  /** Parts of the encoder to replace. Default: none. */
  readonly encoderChange?: readonly Change[] | undefined;
}

/** Results of {@link Whisper}'s `run()`. */
export interface WhisperResults {
  /** Scores of the token after each one, `[1, L, V]`. */
  readonly logits: Tensor<'float32'>;
  /** One for each capture, in their order. */
  readonly captured: readonly Tensor<'float32'>[];
  readonly encoderCaptured: readonly Tensor<'float32'>[];
}

interface Parts {
  readonly encoder: WhisperEncoder;
  readonly decoder: WhisperDecoder;
}

/** Frames of 10 ms in a place of the encoder's output. */
const FRAMES = 2;

/**
 * A Whisper model (Radford et al., "Robust speech recognition via large-scale weak supervision", 2022): speech to text, with the
 * times of words. Attention runs on the backend, and so do projections where it offers `linear`.
 */
export class Whisper {
  readonly config: WhisperConfig;
  readonly #backend: AttentionBackend;
  readonly #parts: Parts;

  private constructor(backend: AttentionBackend, config: WhisperConfig, parts: Parts) {
    this.config = config;
    this.#backend = backend;
    this.#parts = parts;
  }

  /**
   * Reads a model.
   *
   * @throws HeedError `UNSUPPORTED` for a configuration that would be computed wrongly; `MISSING_INPUT`, `UNEXPECTED_INPUT` or
   * `SHAPE` where weights and configuration do not agree; what reading throws.
   */
  static async load(backend: AttentionBackend, files: WhisperFiles): Promise<Whisper> {
    assertBackend(backend);
    const config = whisperConfigOf(files?.config, files?.generation);
    const reader = new WeightReader(files.weights, 'model.');
    const encoder = await WhisperEncoder.load(config, reader);
    const decoder = await WhisperDecoder.load(config, reader);
    reader.finish();
    return new Whisper(backend, config, { encoder, decoder });
  }

  /** The same weights on another backend. */
  on(backend: AttentionBackend): Whisper {
    assertBackend(backend);
    return new Whisper(backend, this.config, this.#parts);
  }

  /**
   * Writes down what is said in a sound of any length.
   *
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws; the signal's reason.
   */
  async transcribe(
    sound: Sound,
    tokenizer: TextTokenizer,
    options: TranscribeOptions = {},
  ): Promise<Transcript> {
    const segments: TranscriptSegment[] = [];
    for await (const segment of this.segments(sound, tokenizer, options)) segments.push(segment);
    return {
      text: segments
        .map(({ text }) => text)
        .join('')
        .trim(),
      segments,
    };
  }

  /**
   * The segments of a transcript, each as soon as its window of 30 s is done. Leaving the loop ends it.
   *
   * @throws HeedError as {@link transcribe} does.
   */
  async *segments(
    sound: Sound,
    tokenizer: TextTokenizer,
    options: TranscribeOptions = {},
  ): AsyncGenerator<TranscriptSegment, void, void> {
    checkSound(sound);
    checkTokenizer('transcribe()', tokenizer, 'decode');
    checkOptions('transcribe()', options, TRANSCRIBE_OPTIONS);
    const { signal, noSpeechThreshold = 0.6, logProbabilityThreshold = -1 } = options;
    const run = signal === undefined ? {} : { signal };
    const prompt = this.#prompt(options);
    const { decoder } = this.#parts;
    const { tokens } = this.config;
    const mel = await this.#mel(sound, run);
    let spoken = 0;
    for (let frame = 0; frame < mel.frames;) {
      const frames = Math.min(FRAMES * this.config.sourcePositions, mel.frames - frame);
      // Above silence there is nothing to hear: the model would guess.
      if (
        mel.data.subarray(frame * mel.bins, (frame + frames) * mel.bins).every((value) => value === mel.floor)
      ) {
        frame += frames;
        continue;
      }
      const { window } = await this.#window(mel, frame, run);
      let segments: readonly TranscriptSegment[] = [];
      try {
        const said = await generateText(this.#backend, decoder, this.config, window, prompt, run);
        const isSilent =
          said.noSpeechProbability > noSpeechThreshold && !(said.logProbability > logProbabilityThreshold);
        if (isSilent) {
          frame += frames;
          continue;
        }
        const offset = (frame * HOP) / RATE;
        const marked = markedSegments(said.tokens, tokens.firstTimestamp, offset, frames);
        const words =
          options.words === true
            ? await this.#words(
                window,
                prompt,
                marked.segments,
                tokenizer,
                options,
                { offset, frames, spoken },
                run,
              )
            : marked.segments.map(() => []);
        segments = marked.segments.map((segment, n): TranscriptSegment => {
          const ids = segment.tokens.filter((id) => id < tokens.end);
          const { logProbability, noSpeechProbability } = said;
          const { start, end } = segment;
          return {
            start,
            end,
            text: tokenizer.decode(ids),
            ids,
            logProbability,
            noSpeechProbability,
            words: words[n],
          };
        });
        const lastWord = words.findLast((part) => part.length > 0)?.at(-1);
        spoken = lastWord?.end ?? spoken;
        const from = frame;
        frame += marked.advance;
        // The next window begins after the last word, which may end before its segment.
        if (lastWord !== undefined && !marked.isComplete && lastWord.end > offset) {
          frame = Math.round((lastWord.end * RATE) / HOP);
        }
        // A segment of no duration would be heard forever.
        if (frame <= from) frame = from + frames;
      } finally {
        window.dispose();
      }
      for (const segment of segments) {
        if (segment.start !== segment.end && segment.text.trim() !== '') yield segment;
      }
    }
  }

  /**
   * Runs a text on the first 30 s of a sound, to look inside.
   *
   * @param ids of one text: the token that begins it, `config.tokens.start`, and more.
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; what the backend throws; the signal's reason.
   */
  async run(sound: Sound, ids: readonly number[], options: WhisperRunOptions = {}): Promise<WhisperResults> {
    checkSound(sound);
    checkOptions('run()', options, {
      capture: array,
      encoderCapture: array,
      encoderChange: array,
      signal: abortSignal,
    });
    checkOptions('run()', { ids }, { ids: { ...listOf(integer(0)), required: true } });
    const { capture = [], encoderCapture = [], encoderChange = [], signal } = options;
    checkCaptures(capture, this.config);
    const run = signal === undefined ? {} : { signal };
    const mel = await this.#mel(sound, run);
    const { window, hooks } = await this.#window(mel, 0, run, encoderCapture, encoderChange);
    try {
      const captured = {
        weights: layersOf(capture, 'weights'),
        crossWeights: layersOf(capture, 'crossWeights'),
      };
      const step = await this.#parts.decoder.forward(this.#backend, ids, window, null, 'all', captured, run);
      return {
        logits: { ...step.logits, shape: [1, ids.length, this.config.vocabulary] },
        captured: capturesOf(capture, step),
        encoderCaptured: hooks.results(),
      };
    } finally {
      window.dispose();
    }
  }

  #mel({ samples, sampleRate }: Sound, { signal }: RunOptions): Promise<LogMel> {
    return logMel(resample(samples, sampleRate, RATE), this.config.melBins, signal);
  }

  async #window(
    mel: LogMel,
    frame: number,
    run: RunOptions,
    captures: readonly Capture[] = [],
    changes: readonly Change[] = [],
  ): Promise<{ readonly window: Window; readonly hooks: Hooks }> {
    const { encoder: side, width, sourcePositions } = this.config;
    const { encoder, decoder } = this.#parts;
    const shape = { batch: 1, queries: sourcePositions, keys: sourcePositions };
    const hooks = new Hooks({ ...side, width, headDim: width / side.heads }, shape, captures, changes);
    const encoded = await encoder.forward(this.#backend, mel, frame, hooks, run);
    return { window: await decoder.window(this.#backend, encoded, run), hooks };
  }

  #prompt({ language, task }: TranscribeOptions): readonly number[] {
    const { start, languages, tasks } = this.config.tokens;
    if (languages === null || tasks === null) {
      if ((language ?? 'en') === 'en' && (task ?? 'transcribe') === 'transcribe') return [start];
      throw new HeedError(
        'ARGUMENT',
        `transcribe(): ${language === undefined || language === 'en' ? `task is ${task}` : `language is ${language}`}; the model has English alone`,
        { remedy: 'take a model of many languages, whose name does not end with .en' },
      );
    }
    const id = language === undefined ? undefined : languages[language];
    if (id === undefined) {
      throw new HeedError(
        'ARGUMENT',
        `transcribe(): language is ${language}; expected one of ${listed(Object.keys(languages))}`,
        { remedy: 'name the language of the sound' },
      );
    }
    return [start, id, tasks[task ?? 'transcribe']];
  }

  async #words(
    window: Window,
    prompt: readonly number[],
    segments: readonly MarkedSegment[],
    tokenizer: TextTokenizer,
    { language = 'en' }: TranscribeOptions,
    { offset, frames, spoken }: { readonly offset: number; readonly frames: number; readonly spoken: number },
    run: RunOptions,
  ): Promise<readonly (readonly TimedWord[])[]> {
    const { end } = this.config.tokens;
    const drafts = segments.map((segment): DraftSegment & { readonly of: MarkedSegment } => ({
      start: segment.start,
      end: segment.end,
      ids: segment.tokens.filter((id) => id < end),
      of: segment,
    }));
    const ids = drafts.flatMap((draft) => draft.ids);
    if (ids.length === 0) return segments.map(() => []);
    const places = Math.max(1, Math.floor(frames / FRAMES));
    const { decoder } = this.#parts;
    const aligned = await alignTokens(this.#backend, decoder, this.config, window, prompt, ids, places, run);
    const split = splitWords(ids, (part) => tokenizer.decode(part), language);
    const drafted = draftWords(split, aligned.starts, aligned.probabilities);
    const durations = durationsOf(drafted);
    cutAtSentences(drafted, durations);
    const words = wordsOfSegments(drafts, joinPunctuation(drafted), durations, offset, spoken);
    for (const { start, end: until, of } of drafts) Object.assign(of, { start, end: until });
    return words;
  }
}

const TRANSCRIBE_OPTIONS = {
  words: flag,
  language: textKind,
  task: oneOf('transcribe', 'translate'),
  noSpeechThreshold: number('a number from 0 to 1', (value) => value >= 0 && value <= 1),
  logProbabilityThreshold: number('a number ≤ 0', (value) => value <= 0),
  signal: abortSignal,
} as const;
