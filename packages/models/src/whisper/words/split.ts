/** A word, and the tokens that it is written with. */
export interface WordTokens {
  readonly text: string;
  readonly ids: readonly number[];
}

/** Languages that are written without spaces: each of their characters is a word. */
const UNSPACED: ReadonlySet<string> = new Set(['zh', 'ja', 'th', 'lo', 'my', 'yue']);
const ASCII_PUNCTUATION = /^[!-/:-@[-`{-~]*$/;

/**
 * Takes a text apart into words. In languages with spaces, each space and each punctuation mark begins one.
 *
 * @param ids of text alone.
 */
export function splitWords(
  ids: readonly number[],
  decode: (ids: readonly number[]) => string,
  language: string,
): readonly WordTokens[] {
  const characters = splitCharacters(ids, decode);
  if (UNSPACED.has(language)) return characters;
  const words: { text: string; ids: number[] }[] = [];
  for (const part of characters) {
    const last = words.at(-1);
    const begins = part.text.startsWith(' ') || ASCII_PUNCTUATION.test(part.text.trim());
    if (last === undefined || begins) words.push({ text: part.text, ids: [...part.ids] });
    else {
      last.text += part.text;
      last.ids.push(...part.ids);
    }
  }
  return words;
}

/** The shortest runs of tokens that are whole characters. */
function splitCharacters(
  ids: readonly number[],
  decode: (ids: readonly number[]) => string,
): readonly WordTokens[] {
  const whole = decode(ids);
  const parts: WordTokens[] = [];
  let pending: number[] = [];
  let at = 0;
  for (const id of ids) {
    pending.push(id);
    const text = decode(pending);
    const broken = text.indexOf('\uFFFD');
    // A replacement character may also be one of the text's own.
    if (broken >= 0 && whole[at + broken] !== '\uFFFD') continue;
    parts.push({ text, ids: pending });
    at += text.length;
    pending = [];
  }
  if (pending.length > 0) parts.push({ text: decode(pending), ids: pending });
  return parts;
}
