import { ggufBytes } from '../../../../packages/models/dist/test/tiny-decoder.js';

const TOKENS = ['<|begin|>', 'Ġ', 'a', 'b', 'c', 'd', 'e', 'h', 'i', 'k', 'n', 'o', 'r', 't', 'v', '.', 'Ġt'];

/** A language model of 17 tokens, 2 layers and 4 heads, as a GGUF file with its tokenizer. */
export function smallLanguageModel(): Uint8Array {
  return ggufBytes('llama', {
    'general.name': 'Small',
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.tokens': TOKENS,
    'tokenizer.ggml.token_type': TOKENS.map((_, id) => (id === 0 ? 3 : 1)),
    'tokenizer.ggml.eos_token_id': TOKENS.indexOf('n'),
    'tokenizer.ggml.merges': ['Ġ t'],
  });
}
