import { describe, expect, test } from 'vitest';
import { hubTokenizer } from '../index.ts';

/** A tokenizer.json without steps around its model. */
const plain = {
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  added_tokens: [],
};

const numbered = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

/** The 256 letters that stand for bytes, as GPT-2 has them: printable ones for themselves, others from U+0100 on. */
const letters = Array.from({ length: 256 }, (_, byte) => byte);
const isPrinted = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
const alphabet = letters.map((byte) => {
  const before = letters.filter((other) => other < byte && !isPrinted(other)).length;
  return String.fromCharCode(isPrinted(byte) ? byte : 256 + before);
});

const merges = ['Ġ Ġ', 'Â ½', 'Ġ Â', 'č Ċ', 'Â ħ'];
const bytes = {
  ...plain,
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    merges,
    vocab: numbered([...alphabet, ...merges.map((pair) => pair.replace(' ', ''))]),
  },
};
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const digits = { type: 'Digits', individual_digits: true };

const words = ['[UNK]', '[CLS]', '[SEP]', 'σας', 'σασ', '12', '3', '½'];
const [UNKNOWN, CLS, SEP] = [0, 1, 2];
const bert = {
  ...plain,
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'BertPreTokenizer' }, { type: 'Digits', individual_digits: false }],
  },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
  },
  model: { type: 'WordPiece', vocab: numbered(words), unk_token: '[UNK]', continuing_subword_prefix: '##' },
};

/** Tokens that the Rust library (tokenizers 0.23.3) gives. */
describe('tokens are those of the Rust library', () => {
  test.each([
    ['  \ufeff', 'Ġ Ġ ï » ¿'],
    ['  ½', 'ĠĠ Â½'],
    ['\r\n\x85a', 'čĊ Âħ a'],
    ['1½²', '1 Â½ Â ²'],
    ['', ''],
  ])('bytes, cut at digits: %j', (text, expected) => {
    const pre = { type: 'Sequence', pretokenizers: [digits, byteLevel] };
    const tokenizer = hubTokenizer({ ...bytes, pre_tokenizer: pre }, {});
    const ids = tokenizer.encode(text);
    expect(ids.map((id) => tokenizer.token(id)).join(' ')).toBe(expected);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  test.each([
    ['', 'a b'],
    ['👍', 'a Ġ ð Ł ĳ į b'],
    ['a', 'a Ġ a b'],
    ['  \ufeff', 'a Ġ Ġ ï » ¿ b'],
  ])('bytes after a space, between two tokens: %j', (text, expected) => {
    const [cls, sep] = ['a', 'b'].map((token) => [token, alphabet.indexOf(token)]);
    const around = { type: 'RobertaProcessing', sep, cls, trim_offsets: true, add_prefix_space: true };
    const pre = { ...byteLevel, add_prefix_space: true };
    const tokenizer = hubTokenizer({ ...bytes, pre_tokenizer: pre, post_processor: around }, {});
    expect(
      tokenizer
        .encode(text)
        .map((id) => tokenizer.token(id))
        .join(' '),
    ).toBe(expected);
  });

  test.each([
    ['', [CLS, SEP]],
    ['ΣΑΣ', [CLS, words.indexOf('σασ'), SEP]],
    ['σας', [CLS, words.indexOf('σας'), SEP]],
    ['12½', [CLS, UNKNOWN, SEP]],
  ])('words in lower case: %j', (text, expected) => {
    expect(hubTokenizer(bert, {}).encode(text)).toEqual(expected);
  });
});

test('text with half a surrogate pair and NUL', () => {
  const tokenizer = hubTokenizer({ ...bytes, pre_tokenizer: byteLevel }, {});
  expect(tokenizer.decode(tokenizer.encode('a\ud83db\0'))).toBe('a\ufffdb\0');
});

test('a token that only matches whole words is refused', () => {
  const token = { id: 0, content: '[UNK]', single_word: true, special: false, normalized: true };
  expect(() => hubTokenizer({ ...bert, added_tokens: [token] }, {})).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('[UNK]') as string,
    }) as Error,
  );
});

test.each<[string, object]>([
  ['tokens around a text', { ...bert, post_processor: { type: 'TemplateProcessing', single: [1.5] } }],
  ['a list of tokens around a text', { ...bert, post_processor: { type: 'TemplateProcessing', single: 7 } }],
  ['added tokens', { ...bert, added_tokens: 5 }],
  ['an added token', { ...bert, added_tokens: [null] }],
  ['a step', { ...bert, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split?' }] } }],
  ['the vocabulary', { ...bert, model: { ...bert.model, vocab: null } }],
])('damaged %s: refused with a code, when made or when used', (_, json) => {
  expect(() => hubTokenizer(json, {}).encode('12')).toThrow(
    expect.objectContaining({ code: 'ARGUMENT', clause: 'models.tokenizer' }) as Error,
  );
});

test('a token around each text that the vocabulary lacks is refused, not an id that is missing', () => {
  const { '[SEP]': _, ...vocab } = bert.model.vocab;
  const tokenizer = hubTokenizer({ ...bert, model: { ...bert.model, vocab, unk_token: '' } }, {});
  expect(() => tokenizer.encode('12')).toThrow(
    expect.objectContaining({
      code: 'ARGUMENT',
      message: expect.stringContaining('[SEP]') as string,
    }) as Error,
  );
});

describe('the chat template of a page', () => {
  const template =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
  const tokenizer = (chat_template: unknown): ReturnType<typeof hubTokenizer> =>
    hubTokenizer({ ...bytes, pre_tokenizer: byteLevel }, { chat_template });
  const turns = [{ role: 'user', content: ' a\n' }] as const;

  test.each([
    ['a text', template],
    [
      'several by name',
      [
        { name: 'tool_use', template: 'other' },
        { name: 'default', template },
      ],
    ],
  ])('%s', (_, given) => {
    const made = tokenizer(given);
    expect(made.decode(made.chat(turns))).toBe('<|im_start|>user\n a\n<|im_end|>\n<|im_start|>assistant\n');
  });

  test.each([[undefined], [null], [[]], [[null]], [[{ name: 'rag', template }]], [{}], [7]])(
    '%j is none: the error says which file may have it',
    (given) => {
      expect(() => tokenizer(given).chat(turns)).toThrow(
        expect.objectContaining({
          code: 'MISSING_INPUT',
          message: expect.stringContaining('chat_template.jinja') as string,
        }) as Error,
      );
    },
  );
});

test.each([
  ['<end>', [1]],
  [{ content: '<end>' }, [1]],
  [null, []],
  [['<end>'], []],
  [7, []],
  ['other', []],
])('the token %j ends a text', (eos, expected) => {
  const added = { id: 1, content: '<end>', special: true, normalized: false };
  const model = { type: 'BPE', merges: [], vocab: { a: 0 } };
  expect(hubTokenizer({ ...plain, model, added_tokens: [added] }, { eos_token: eos }).endIds).toEqual(
    expected,
  );
});
