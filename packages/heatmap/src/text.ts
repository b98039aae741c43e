import stringWidth from 'string-width';
import { checkText } from './options.ts';

// Characters that control a terminal, reorder the text around them, or are not allowed in XML.
const CONTROL = /\p{Cc}/gu;
const HARMFUL = /[\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]|\p{Cs}/gu;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Returns text that shows its characters and does nothing else: control characters as their pictures (␛, ␊), spaces at
 * the ends as ␣, bidirectional controls and characters that XML forbids as U+FFFD.
 *
 * @throws HeedError `ARGUMENT` for anything but a string.
 */
export function visibleText(text: string): string {
  checkText(text);
  return text
    .replaceAll(CONTROL, (control) => pictureOf(control.codePointAt(0)!))
    .replaceAll(HARMFUL, '\uFFFD')
    .replaceAll(/^ +| +$/g, (spaces) => '␣'.repeat(spaces.length));
}

function pictureOf(control: number): string {
  if (control === 0x7f) return '␡';
  return control < 0x20 ? String.fromCodePoint(0x2400 + control) : '\uFFFD';
}

/** The width of a text in columns of a terminal. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Cuts the text between graphemes to at most this many columns, an ellipsis included. */
export function fitText(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let fitted = '';
  for (const { segment } of graphemes.segment(text)) {
    if (widthOf(fitted + segment) > width - 1) break;
    fitted += segment;
  }
  return `${fitted}…`;
}

/** Returns at most `maximum` graphemes of a text, the last an ellipsis if there are more. */
export function graphemesOf(text: string, maximum: number): string[] {
  const all = Array.from(graphemes.segment(text), ({ segment }) => segment);
  return all.length <= maximum ? all : [...all.slice(0, maximum - 1), '…'];
}

/** Pads the text to a width with spaces before it. */
export function alignRight(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + isolate(text);
}

/** Pads the text to a width with spaces after it. */
export function alignLeft(text: string, width: number): string {
  return isolate(text) + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Isolates right-to-left text, so that a terminal that reorders it leaves its neighbors in place. */
function isolate(text: string): string {
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}
