/** Words of a backend as words, in one line: nothing in them steers the terminal or turns the text around. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202A-\u202E\u2066-\u2069]+/gu, ' ').trim();
}
