import { WORDS } from './words.ts';

/**
 * Suggests the option that was probably meant by an unknown name: a word of another library, another spelling, a typing
 * error. Null if nothing is similar.
 */
export function suggestionFor(name: string, known: readonly string[]): string | null {
  const word = plain(name);
  const same = known.find((option) => plain(option) === word);
  if (same !== undefined) return `did you mean \`${same}\`?`;
  const advice = (Object.hasOwn(WORDS, word) ? WORDS[word]! : []).find(
    ({ option }) => option === null || known.includes(option),
  );
  if (advice !== undefined) return advice.say;
  const distances = known.map((option) => distance(word, plain(option)));
  const nearest = Math.min(...distances);
  return nearest <= Math.max(1, Math.floor(word.length / 3))
    ? `did you mean \`${known[distances.indexOf(nearest)]!}\`?`
    : null;
}

/** `attn_mask`, `attnMask` and `attn-mask` are one word. */
function plain(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbors that make b of a. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = last[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, substitution);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, beforeLast[column - 2]! + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
