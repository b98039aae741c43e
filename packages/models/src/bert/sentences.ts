import { HeedError, type RunOptions, type Tensor } from '@heed/core';
import { abortSignal, checkOptions, shown, zeros } from '@heed/core/backend';
import { type TextTokenizer, checkTokenizer } from '../tokenizer/tokenizer.ts';
import type { Encoder } from './encoder.ts';

/**
 * Embeds texts as sentence-transformers with mean pooling does: the mean of each text's tokens, scaled to length 1. The product
 * of two rows is their cosine. Texts longer than the model takes are cut.
 *
 * @returns `[B, E]`.
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; what `encoder.run` throws.
 */
export async function sentenceEmbeddings(
  encoder: Encoder,
  tokenizer: TextTokenizer,
  texts: readonly string[],
  options: RunOptions = {},
): Promise<Tensor<'float32'>> {
  checkTokenizer('sentenceEmbeddings()', tokenizer, 'encode');
  checkOptions('sentenceEmbeddings()', options, { signal: abortSignal });
  if (!Array.isArray(texts) || texts.length === 0) {
    throw new HeedError('ARGUMENT', `texts are ${shown(texts)}; expected an array of one or more`, {
      remedy: 'give [text]',
    });
  }
  const { paddingId, positions, width } = encoder.config;
  const ids = (texts as readonly string[]).map((text) => cut(tokenizer.encode(text), positions));
  const counts = ids.map((row) => row.length);
  const length = Math.max(...counts);
  const padded = ids.map((row) => [...row, ...Array<number>(length - row.length).fill(paddingId)]);
  const { tokens } = await encoder.run(padded, { ...options, counts });
  const result = zeros('float32', [texts.length, width]);
  counts.forEach((count, b) => {
    const mean = new Float64Array(width);
    for (let i = 0; i < count; i++) {
      for (let e = 0; e < width; e++) mean[e] += tokens.data[(b * length + i) * width + e] / count;
    }
    const norm = Math.hypot(...mean);
    result.data.set(
      mean.map((value) => value / norm),
      b * width,
    );
  });
  return result;
}

/** The first tokens, and the last, which ends a text. */
function cut(ids: readonly number[], length: number): readonly number[] {
  return ids.length <= length ? ids : [...ids.slice(0, length - 1), ids.at(-1)!];
}
