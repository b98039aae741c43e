import { type Metadata, type TextTokenizer, ggufTokenizer } from '../index.ts';

/** Each byte of é and of 🙂 is a token. */
const tokens = ['a', 'b', 'c', 'd', 'e', 'Ã', '©', 'ð', 'Ł', 'Ļ', 'Ĥ', 'f', 'g', 'h', 'ab', 'Ġ', '<end>'];
/** Metadata of a file with a tokenizer for the vocabulary of the tiny decoder. */
export const metadata: Metadata = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'smollm',
  'tokenizer.ggml.tokens': tokens,
  'tokenizer.ggml.token_type': tokens.map((token) => (token === '<end>' ? 3 : 1)),
  'tokenizer.ggml.merges': ['a b'],
  'tokenizer.ggml.eos_token_id': 16,
};
export const tokenizer: TextTokenizer = ggufTokenizer({ metadata });
