/** Makes a backend's text safe, in one line: nothing in it controls the terminal or reverses the text. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u202A-\u202E\u2066-\u2069]+/gu, ' ').trim();
}
