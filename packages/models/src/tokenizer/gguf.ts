import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { checkGGUF } from '../gguf/check.ts';
import type { Metadata, MetadataValue } from '../gguf/header.ts';
import { TextTokenizer } from './tokenizer.ts';

const BYTES = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** Rules that split text before its parts are merged, by `tokenizer.ggml.pre`. */
const CUTS: Readonly<Record<string, object>> = {
  'gpt-2': BYTES,
  smollm: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, BYTES] },
};

/** Kinds of tokens in `tokenizer.ggml.token_type`. */
const [UNKNOWN, CONTROL, USER_DEFINED] = [2, 3, 4];

/**
 * Returns the tokenizer inside a GGUF file: byte-level BPE as GPT-2 and SmolLM2 have it.
 *
 * @throws HeedError `UNSUPPORTED` for another one, by its name; `ARGUMENT` for metadata that is missing or of another type.
 */
export function ggufTokenizer(file: { readonly metadata: Metadata }): TextTokenizer {
  checkGGUF(file);
  const { metadata } = file;
  const value = (name: string): MetadataValue | undefined => metadata[`tokenizer.ggml.${name}`];
  const model = value('model');
  const pre = value('pre') ?? 'gpt-2';
  if (model !== 'gpt2' || typeof pre !== 'string' || !Object.hasOwn(CUTS, pre)) {
    throw new HeedError(
      'UNSUPPORTED',
      `the tokenizer is ${shown(model)} with the cuts ${shown(pre)}; expected 'gpt2' with ${Object.keys(CUTS).join(' or ')}`,
      { clause: 'gguf.tokenizer', remedy: "give the model's tokenizer.json to hubTokenizer()" },
    );
  }
  if (value('add_space_prefix') === true || value('add_eos_token') === true) {
    throw new HeedError('UNSUPPORTED', 'the tokenizer adds a space or an end to each text', {
      clause: 'gguf.tokenizer',
      remedy: "give the model's tokenizer.json to hubTokenizer()",
    });
  }
  const tokens = strings('tokens', value('tokens'));
  const types = value('token_type');
  const kinds = Array.isArray(types) && types.length === tokens.length ? types : null;
  const added = tokens.flatMap((content, id) => {
    const kind: unknown = kinds?.[id];
    if (kind !== UNKNOWN && kind !== CONTROL && kind !== USER_DEFINED) return [];
    return [{ id, content, special: kind !== USER_DEFINED, normalized: false }];
  });
  const begin = value('bos_token_id');
  const ends = [value('eos_token_id'), value('eot_token_id')];
  return new TextTokenizer({
    json: {
      version: '1.0',
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: CUTS[pre],
      post_processor: BYTES,
      decoder: BYTES,
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: strings('merges', value('merges')),
      },
    },
    config: {},
    chatTemplate: textOf(metadata['tokenizer.chat_template']),
    beginning: value('add_bos_token') === true && typeof begin === 'number' ? [begin] : [],
    endIds: ends.filter((id) => typeof id === 'number'),
  });
}

function textOf(value: MetadataValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function strings(name: string, value: MetadataValue | undefined): readonly string[] {
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value as string[];
  throw new HeedError('ARGUMENT', `tokenizer.ggml.${name} is ${shown(value)}; expected an array of strings`, {
    clause: 'gguf.tokenizer',
    remedy: 'give tokenizer.json to hubTokenizer(); the file has no tokenizer of this kind',
  });
}
