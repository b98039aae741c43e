import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { Capture } from '../inside/hooks.ts';

/** A text and the tokens that follow what it has. */
export interface TextTokens {
  /** Its number, of `open()` or `fork()`. */
  readonly text: number;
  /** One token or more: a prompt, a part of one, or the token that was chosen last. */
  readonly ids: readonly number[];
  /** Scores of the next token: after the last of these tokens, after each of them, or none. Default `last`. */
  readonly logits?: 'last' | 'all' | 'none' | undefined;
  /** Parts of its run to return; B is 1. Default: none. The other texts keep their bits. */
  readonly capture?: readonly Capture[] | undefined;
}

/** Results of a text in a step. */
export interface TextResults {
  /** `[1, V]` for `last`, `[L, V]` for `all`, `[0, V]` for `none`. */
  readonly logits: Tensor<'float32'>;
  /** One for each capture, in their order. */
  readonly captured: readonly Tensor<'float32'>[];
}

/** The tokens of all texts, one after another, int32 `[1, N]`. */
export function tokensOf(texts: readonly TextTokens[]): Tensor<'int32'> {
  const ids = texts.flatMap((text) => text.ids);
  return { dtype: 'int32', shape: [1, ids.length], data: Int32Array.from(ids) };
}

/** The number of tokens of a text that have scores. */
function scoredOf({ ids, logits = 'last' }: TextTokens): number {
  return { last: 1, all: ids.length, none: 0 }[logits];
}

/** `[1, N, E]`, the tokens of all texts, → the rows that scores are computed of, the last of each text. */
export function scoredRows(
  { shape, data }: Tensor<'float32'>,
  texts: readonly TextTokens[],
): Tensor<'float32'> {
  const width = shape[2]!;
  const count = texts.reduce((sum, text) => sum + scoredOf(text), 0);
  const result = zeros('float32', [count, width]);
  let [to, end] = [0, 0];
  for (const text of texts) {
    end += text.ids.length;
    const rows = data.subarray((end - scoredOf(text)) * width, end * width);
    result.data.set(rows, to);
    to += rows.length;
  }
  return result;
}

/** `[rows of all texts, V]` → those of each. */
export function splitRows(
  { shape, data }: Tensor<'float32'>,
  texts: readonly TextTokens[],
): Tensor<'float32'>[] {
  const vocabulary = shape[1]!;
  let from = 0;
  return texts.map((text) => {
    const count = scoredOf(text);
    const rows = data.slice(from, (from += count * vocabulary));
    return { dtype: 'float32', shape: [count, vocabulary], data: rows };
  });
}

/** Length of the common beginning of two texts, up to a limit. */
export function commonLength(one: readonly number[], other: readonly number[], limit: number): number {
  let length = 0;
  while (length < Math.min(limit, one.length) && one[length] === other[length]) length++;
  return length;
}
