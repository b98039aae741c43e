import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import type { Activation } from '@heed/layers';
import { refuseConfig } from '../config/decoder-config.ts';
import { Fields } from '../config/fields.ts';
import { NOTES } from '../config/notes.ts';

/** A layer and a head of the decoder. */
export type AlignmentHead = readonly [layer: number, head: number];

/** Configuration of a Whisper model: config.json and generation_config.json. */
export interface WhisperConfig {
  /** E, the width of a token. */
  readonly width: number;
  readonly encoder: WhisperSide;
  readonly decoder: WhisperSide;
  readonly activation: Activation;
  /** Bands of the log-mel input. */
  readonly melBins: number;
  /** Places of the encoder's output, 20 ms each: 1,500 for windows of 30 s. */
  readonly sourcePositions: number;
  /** The number of tokens that a window's text may have. */
  readonly targetPositions: number;
  /** V, the number of token ids. */
  readonly vocabulary: number;
  readonly tokens: WhisperTokens;
  /** Heads of the decoder whose cross-attention follows the sound. */
  readonly alignmentHeads: readonly AlignmentHead[];
  /** The latest start of the first segment of a window, in steps of 20 ms; null for none. */
  readonly maximumInitialTimestamp: number | null;
}

/** The encoder's or the decoder's own numbers. */
export interface WhisperSide {
  readonly layers: number;
  readonly heads: number;
  readonly hiddenDim: number;
}

/** Ids of tokens that control the decoder. */
export interface WhisperTokens {
  readonly start: number;
  readonly end: number;
  readonly noTimestamps: number;
  /** Follows {@link WhisperTokens.noTimestamps}; the next ones are 20 ms apart. */
  readonly firstTimestamp: number;
  /** Its probability at the start is that of a window without speech. */
  readonly noSpeech: number;
  /** Never produced. */
  readonly suppressed: readonly number[];
  /** Never produced first. */
  readonly suppressedFirst: readonly number[];
  /** By their names: `en`. Null for a model of English alone. */
  readonly languages: Readonly<Record<string, number>> | null;
  /** `transcribe` and `translate`. Null for a model of English alone. */
  readonly tasks: Readonly<Record<string, number>> | null;
}

/** Fields that only matter in training, or repeat others. */
const IGNORED = [
  ...['activation_dropout', 'dropout', 'encoder_layerdrop', 'decoder_layerdrop', 'init_std', 'layerdrop'],
  ...['apply_spec_augment', 'mask_time_prob', 'mask_time_length', 'mask_time_min_masks', 'mask_feature_prob'],
  ...['mask_feature_length', 'mask_feature_min_masks', 'classifier_proj_size', 'use_weighted_layer_sum'],
  ...['num_hidden_layers', 'forced_decoder_ids', 'max_length', 'suppress_tokens', 'begin_suppress_tokens'],
  'decoder_start_token_id',
] as const;

/** Fields of generation_config.json that {@link whisperConfigOf} has no use for. */
const IGNORED_GENERATION = [
  ...['forced_decoder_ids', 'max_length', 'return_timestamps', 'prev_sot_token_id', 'language', 'task'],
] as const;

/**
 * Reads the configuration of a Whisper model from the parsed config.json and generation_config.json of its page on the hub.
 *
 * @throws HeedError `UNSUPPORTED` for what would be computed wrongly, and for a field whose meaning is unknown; `ARGUMENT` for a
 * value of another type.
 */
export function whisperConfigOf(config: object, generation: object): WhisperConfig {
  const fields = new Fields(config);
  fields.ignore(...NOTES, ...IGNORED);
  fields.expect('model_type', 'unknown', 'whisper');
  if ((config as { model_type?: unknown }).model_type !== 'whisper') {
    refuseConfig('config.json has no model_type', 'give config.json of the model');
  }
  fields.expect('scale_embedding', false);
  fields.expect('tie_word_embeddings', true);
  const activation = fields.expect('activation_function', 'gelu', 'relu');
  const width = fields.count('d_model');
  const side = (name: string): WhisperSide => ({
    layers: fields.count(`${name}_layers`),
    heads: headsOf(fields.count(`${name}_attention_heads`), width),
    hiddenDim: fields.count(`${name}_ffn_dim`),
  });
  const [encoder, decoder] = [side('encoder'), side('decoder')];
  const vocabulary = fields.count('vocab_size');
  const result = {
    width,
    encoder,
    decoder,
    activation,
    melBins: fields.count('num_mel_bins', 80),
    sourcePositions: fields.count('max_source_positions', 1500),
    targetPositions: fields.count('max_target_positions', 448),
    vocabulary,
  } as const;
  const median = fields.value('median_filter_width') ?? 7;
  if (median !== 7) refuseConfig(`median_filter_width is ${shown(median)}; computed here: 7`, 'leave it out');
  fields.finish('config.json');
  return { ...result, ...ofGeneration(generation, decoder, vocabulary) };
}

function ofGeneration(
  json: object,
  { layers, heads }: WhisperSide,
  vocabulary: number,
): Pick<WhisperConfig, 'tokens' | 'alignmentHeads' | 'maximumInitialTimestamp'> {
  const fields = new Fields(json);
  fields.ignore(...NOTES, ...IGNORED_GENERATION);
  const id = (name: string): number => idIn(name, fields.value(name), vocabulary);
  const ids = (name: string): readonly number[] => {
    const list = fields.value(name) ?? [];
    if (!Array.isArray(list)) return malformed(name, list, 'an array of ids');
    return list.map((value) => idIn(name, value, vocabulary));
  };
  const named = (name: string): Readonly<Record<string, number>> | null => {
    const map = fields.value(name);
    if (map === undefined) return null;
    return Object.fromEntries(
      Object.entries(map as object).map(([key, value]) => [
        key.replace(/^<\|(.*)\|>$/, '$1'),
        idIn(`${name}.${key}`, value, vocabulary),
      ]),
    );
  };
  const isMultilingual = fields.flag('is_multilingual', false);
  const [languages, tasks] = [named('lang_to_id'), named('task_to_id')];
  if (isMultilingual && (languages === null || tasks === null)) {
    refuseConfig('generation_config.json has no lang_to_id or task_to_id', 'give the file of the model');
  }
  const noTimestamps = id('no_timestamps_token_id');
  const steps = fields.value('max_initial_timestamp_index');
  const alignment = fields.value('alignment_heads');
  const result = {
    tokens: {
      start: id('decoder_start_token_id'),
      end: id('eos_token_id'),
      noTimestamps,
      firstTimestamp: noTimestamps + 1,
      noSpeech: noTimestamps - 1,
      suppressed: ids('suppress_tokens'),
      suppressedFirst: ids('begin_suppress_tokens'),
      languages: isMultilingual ? languages : null,
      tasks: isMultilingual ? tasks : null,
    },
    alignmentHeads:
      alignment === undefined ? upperHalf(layers, heads) : alignmentOf(alignment, layers, heads),
    maximumInitialTimestamp: steps === undefined ? null : fields.count('max_initial_timestamp_index'),
  };
  fields.finish('generation_config.json');
  return result;
}

/** The heads of the upper half of the layers. */
function upperHalf(layers: number, heads: number): readonly AlignmentHead[] {
  const first = heads * Math.floor(layers / 2);
  const count = layers * heads - first;
  if (count > 2 ** 20) malformed('decoder_layers', layers, 'a number of layers that a model can have');
  return Array.from({ length: count }, (_, n) => [Math.floor((first + n) / heads), (first + n) % heads]);
}

function alignmentOf(given: unknown, layers: number, heads: number): readonly AlignmentHead[] {
  const accepts = (pair: unknown): pair is AlignmentHead =>
    Array.isArray(pair) &&
    pair.length === 2 &&
    [layers, heads].every((end, n) => Number.isSafeInteger(pair[n]) && pair[n] >= 0 && pair[n] < end);
  if (Array.isArray(given) && given.length > 0 && given.every(accepts)) return given;
  return malformed('alignment_heads', given, `pairs of a layer below ${layers} and a head below ${heads}`);
}

function headsOf(heads: number, width: number): number {
  if (width % heads === 0) return heads;
  return malformed('attention heads', heads, `a divisor of d_model, ${width}`);
}

function idIn(name: string, value: unknown, vocabulary: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < vocabulary)
    return value as number;
  return malformed(name, value, `an id below ${vocabulary}`);
}

function malformed(name: string, value: unknown, expected: string): never {
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected ${expected}`, {
    clause: 'models.config',
    remedy: `give the configuration as the model's page has it`,
  });
}
