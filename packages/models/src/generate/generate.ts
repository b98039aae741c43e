import { HeedError, type RunOptions, type Tensor } from '@heed/core';
import {
  type OptionKind,
  abortSignal,
  array,
  checkOptions,
  flag,
  integer,
  listOf,
  number,
  shown,
} from '@heed/core/backend';
import { seededRandom } from '@heed/layers';
import type { DecoderCache } from '../decoder/cache.ts';
import type { Decoder, DecoderRunOptions } from '../decoder/decoder.ts';
import { logProbabilitiesOf } from '../decoder/log-probabilities.ts';
import { type TextTokenizer, checkTokenizer } from '../tokenizer/tokenizer.ts';
import { DecoderBatch, schedulerOf } from './batch.ts';
import { checkModel, checkPrompt } from './check.ts';
import { choose, likeliest, penalize } from './choose.ts';
import { TextStream } from './text-stream.ts';

/** Options of {@link generate}. */
export interface GenerateOptions extends RunOptions, Pick<DecoderRunOptions, 'capture'> {
  /** Largest number of tokens to generate. Default 256, or as many as the cache or the model has room for. */
  readonly maximum?: number | undefined;
  /** 0 takes the likeliest token each time; 1 samples by the model's probabilities. Default 0. */
  readonly temperature?: number | undefined;
  /** Samples from this many of the likeliest tokens. Default: all. */
  readonly topK?: number | undefined;
  /** Samples from the likeliest tokens that have this probability together, 0 < p ≤ 1. Default 1. */
  readonly topP?: number | undefined;
  /** Seed of the samples: the same seed gives the same text. Required with a temperature above 0. */
  readonly seed?: number | undefined;
  /** Above 1, tokens that the text has already become less likely. Default 1. */
  readonly repetitionPenalty?: number | undefined;
  /** Texts that end what is generated, and are not part of it. Default: none. */
  readonly stop?: readonly string[] | undefined;
  /** Goes on past the tokens that end a text. Default false. */
  readonly ignoreEnd?: boolean | undefined;
  /** Number of likeliest tokens to report at each step. Default 0. */
  readonly alternatives?: number | undefined;
  /** Keeps the text so far: the prompt follows what the cache has. Default: one for this call. */
  readonly cache?: DecoderCache | undefined;
  /** Runs the text beside others, in the same steps, in place of a cache. */
  readonly batch?: DecoderBatch | undefined;
  /** Heads that are off in every step. Default: none. */
  readonly off?: readonly { readonly layer: number; readonly heads: readonly number[] }[] | undefined;
}

/** A token, with the natural logarithm of its probability under the model, before temperature and penalty. */
export interface ScoredToken {
  readonly id: number;
  readonly logProbability: number;
}

/** A step of a text. */
export interface GeneratedToken extends ScoredToken {
  /** The text that became certain: whole characters; empty while there may be a stop string. */
  readonly text: string;
  /** The likeliest tokens, if requested. */
  readonly alternatives: readonly ScoredToken[];
  /** Parts of the run that gave the scores, one for each capture. */
  readonly captured: readonly Tensor<'float32'>[];
  /** Reason that the text ends here: `end` by the model, `stop` by a stop string, `maximum`; null if it continues. */
  readonly finish: 'end' | 'stop' | 'maximum' | null;
}

const notNegative: OptionKind = number(
  'a finite number ≥ 0',
  (value) => value >= 0 && Number.isFinite(value),
);
const positive: OptionKind = number('a finite number > 0', (value) => value > 0 && Number.isFinite(value));
const share: OptionKind = number('a number > 0 and ≤ 1', (value) => value > 0 && value <= 1);
const stopText: OptionKind = {
  expected: 'a string that is not empty',
  accepts: (value) => typeof value === 'string' && value !== '',
};

/**
 * Generates text token by token. Leaving the loop ends it, and so does the signal; both free a cache of this call.
 *
 * @param prompt text, or ids such as `tokenizer.chat()` gives.
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`, at the first step; what `model.run` throws; the signal's reason.
 */
export async function* generate(
  model: Decoder,
  tokenizer: TextTokenizer,
  prompt: string | readonly number[],
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, void> {
  checkGenerate(options);
  checkModel('generate()', model);
  checkBatch(model, options);
  checkTokenizer('generate()', tokenizer, 'encode');
  checkPrompt('generate()', prompt);
  const ids = typeof prompt === 'string' ? tokenizer.encode(prompt) : prompt;
  if (ids.length === 0) {
    throw new HeedError('ARGUMENT', 'the prompt has no tokens; expected one or more', {
      remedy: 'begin with a token that begins texts',
    });
  }
  const { temperature = 0, topK = Infinity, topP = 1, seed = 0, repetitionPenalty = 1 } = options;
  const { stop = [], alternatives = 0 } = options;
  const maximum = maximumOf(model, ids.length, options);
  const text = await beginText(model, ids, maximum, options);
  const random = seededRandom(seed);
  const stream = new TextStream(tokenizer, stop);
  const ends = options.ignoreEnd === true ? [] : tokenizer.endIds;
  const seen = new Set(ids);
  try {
    let next = ids;
    for (let step = 1; ; step++) {
      const { scores, captured } = await text.next(next);
      const logProbabilities = logProbabilitiesOf(scores);
      penalize(scores, seen, repetitionPenalty);
      const id = choose(scores, { temperature, topK, topP }, random);
      seen.add(id);
      const isEnd = ends.includes(id);
      const { text: certain, isStopped } = isEnd ? { text: '', isStopped: false } : stream.push(id);
      const finish = isEnd ? 'end' : isStopped ? 'stop' : step === maximum ? 'maximum' : null;
      yield {
        id,
        logProbability: logProbabilities[id],
        text: finish === null || isStopped ? certain : certain + stream.end(),
        alternatives: alternativesOf(logProbabilities, alternatives),
        captured,
        finish,
      };
      if (finish !== null) return;
      next = [id];
    }
  } finally {
    text.end();
  }
}

/** A text that grows by tokens, each time with the scores of the next one. */
interface GrowingText {
  readonly next: (
    ids: readonly number[],
  ) => Promise<{ readonly scores: Float32Array; readonly captured: readonly Tensor<'float32'>[] }>;
  readonly end: () => void;
}

/** Begins a text in a cache, or in a batch. */
async function beginText(
  model: Decoder,
  prompt: readonly number[],
  maximum: number,
  { batch, cache: kept, capture = [], off = [], signal }: GenerateOptions,
): Promise<GrowingText> {
  if (batch !== undefined) {
    const text = schedulerOf(batch).begin(prompt);
    return {
      next: async (ids) => ({ scores: (await text.next(ids, signal)).data, captured: [] }),
      end: () => text.end(),
    };
  }
  const capacity = Math.min(prompt.length + maximum, model.config.positions);
  const cache = kept ?? (await model.cache({ capacity }));
  const change = off.map((place) => ({ ...place, what: 'off' }) as const);
  const run = { cache, capture, change, ...(signal && { signal }) };
  return {
    next: async (ids) => {
      const { logits, captured } = await model.run([ids], run);
      return { scores: logits.data, captured };
    },
    end: () => {
      if (kept === undefined) cache.dispose();
    },
  };
}

function alternativesOf(logProbabilities: Float64Array, count: number): readonly ScoredToken[] {
  if (count === 0) return [];
  return Array.from(likeliest(logProbabilities, count), (id) => ({
    id,
    logProbability: logProbabilities[id],
  }));
}

function checkGenerate(options: GenerateOptions): void {
  checkOptions('generate()', options, {
    maximum: integer(1),
    temperature: notNegative,
    topK: integer(1),
    topP: share,
    seed: integer(0, 2 ** 32 - 1),
    repetitionPenalty: positive,
    stop: listOf(stopText),
    ignoreEnd: flag,
    alternatives: integer(0),
    cache: true,
    batch: true,
    off: array,
    capture: array,
    signal: abortSignal,
  });
  const { temperature = 0, seed, topK, topP } = options;
  if (temperature > 0 && seed === undefined) {
    throw new HeedError('ARGUMENT', `generate(): temperature is ${temperature}, which requires a seed`, {
      remedy: 'set seed to any whole number; the same one gives the same text',
    });
  }
  const name = topK === undefined ? 'topP' : 'topK';
  if (temperature === 0 && (topK ?? topP) !== undefined) {
    throw new HeedError(
      'ARGUMENT',
      `generate(): ${name} is ${shown(options[name])}, which requires a temperature`,
      {
        remedy: 'set temperature: 1, or leave it out',
      },
    );
  }
}

/** @throws HeedError `ARGUMENT` for what is not a batch of the model, and for options that a batch does not have. */
function checkBatch(model: Decoder, { batch, ...options }: GenerateOptions): void {
  if (batch === undefined) return;
  if (!(batch instanceof DecoderBatch) || batch.model !== model) {
    throw new HeedError('ARGUMENT', `generate(): batch is ${shown(batch)}; expected a batch of this model`, {
      remedy: 'make one: await DecoderBatch.create(model, { pages: 256 })',
    });
  }
  const name = (['cache', 'capture', 'off'] as const).find((one) => options[one] !== undefined);
  if (name === undefined) return;
  throw new HeedError('ARGUMENT', `generate(): ${name} is given; expected a batch, or ${name}`, {
    remedy: `leave out batch, or ${name}`,
  });
}

/** @throws HeedError `ARGUMENT` where a prompt leaves no room. */
function maximumOf(model: Decoder, prompt: number, { maximum, cache, batch }: GenerateOptions): number {
  const capacity = (batch ?? cache)?.capacity ?? model.config.positions;
  const room = capacity - (cache?.lengths[0] ?? 0) - prompt + 1;
  if (room >= (maximum ?? 1)) return maximum ?? Math.min(256, room);
  throw new HeedError('ARGUMENT', `there is room for ${Math.max(0, room)} tokens; expected ${maximum ?? 1}`, {
    remedy: 'shorten the prompt, lower maximum, or make the cache or batch with more room',
  });
}
