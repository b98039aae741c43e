/** A BERT of 8 numbers a token, 2 heads and 2 layers, as the files that people have. */
const TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'the', 'bank', 'river', 'of', '##s', '.'];
const [WIDTH, WIDE, LAYERS] = [8, 16, 2];

function shapes(kind: string): Record<string, number[]> {
  const linear = (name: string, out: number, into: number): Record<string, number[]> => ({
    [`${name}.weight`]: [out, into],
    [`${name}.bias`]: [out],
  });
  const norm = (name: string): Record<string, number[]> => ({
    [`${name}.weight`]: [WIDTH],
    [`${name}.bias`]: [WIDTH],
  });
  const layers = Array.from({ length: LAYERS }, (_, n) => `${kind}.encoder.layer.${n}`).map((name) => ({
    ...linear(`${name}.attention.self.query`, WIDTH, WIDTH),
    ...linear(`${name}.attention.self.key`, WIDTH, WIDTH),
    ...linear(`${name}.attention.self.value`, WIDTH, WIDTH),
    ...linear(`${name}.attention.output.dense`, WIDTH, WIDTH),
    ...norm(`${name}.attention.output.LayerNorm`),
    ...linear(`${name}.intermediate.dense`, WIDE, WIDTH),
    ...linear(`${name}.output.dense`, WIDTH, WIDE),
    ...norm(`${name}.output.LayerNorm`),
  }));
  return Object.assign(
    {
      [`${kind}.embeddings.word_embeddings.weight`]: [TOKENS.length, WIDTH],
      [`${kind}.embeddings.position_embeddings.weight`]: [32, WIDTH],
      [`${kind}.embeddings.token_type_embeddings.weight`]: [2, WIDTH],
      ...norm(`${kind}.embeddings.LayerNorm`),
    },
    ...layers,
  ) as Record<string, number[]>;
}

/** Bytes of a safetensors file: the same numbers at every run, small and of both signs. */
export function smallWeights(kind = 'bert'): Uint8Array {
  const header: Record<string, unknown> = {};
  const numbers: number[] = [];
  for (const [name, shape] of Object.entries(shapes(kind))) {
    const size = shape.reduce((product, length) => product * length, 1);
    const begin = 4 * numbers.length;
    for (let n = 0; n < size; n++) numbers.push(Math.sin(12.9898 * (numbers.length + 1)));
    header[name] = { dtype: 'F32', shape, data_offsets: [begin, 4 * numbers.length] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new BigUint64Array([BigInt(text.length)]).buffer);
  return new Uint8Array([...length, ...text, ...new Uint8Array(Float32Array.from(numbers).buffer)]);
}

export const smallTokenizer: object = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: TOKENS.slice(0, 4).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])),
  },
};
