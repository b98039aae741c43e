import { CAPTION_HEIGHT, CAPTION_SIZE, PADDING, SANS, TITLE_SIZE, lineLength } from './layout.ts';
import type { Styles } from './style.ts';
import { fitText, visibleText } from '../text.ts';
import { element, escapeXML } from './xml.ts';

/** Content of a document, and its size. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly content: string;
}

/** The drawing on its ground, as a document with a title and a description. */
export function svgDocument(
  { width, height, content }: Drawing,
  { id, title, description, styles }: { id: string; title: string; description: string; styles: Styles },
): string {
  const ground = element('rect', { ...styles.role('paper'), width, height, rx: 12 });
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      id,
      role: 'img',
      'aria-labelledby': `${id}-title ${id}-description`,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      style: 'max-width:100%;height:auto',
      // A right-to-left page must not reverse the axes.
      direction: 'ltr',
    },
    element('title', { id: `${id}-title` }, escapeXML(title)),
    element('desc', { id: `${id}-description` }, escapeXML(description)),
    element('style', {}, styles.sheet()),
    ground,
    content,
  );
}

/** The drawing with a line below it. */
export function captioned(drawing: Drawing, caption: string | undefined, styles: Styles): Drawing {
  if (caption === undefined || caption === '') return drawing;
  const { width, height, content } = drawing;
  const text = fitText(visibleText(caption), lineLength(width, CAPTION_SIZE));
  const place = { x: PADDING, y: height - PADDING + CAPTION_HEIGHT - 4 };
  const font = { 'font-family': SANS, 'font-size': CAPTION_SIZE };
  const line = element('text', { ...styles.role('quiet'), ...place, ...font }, escapeXML(text));
  return { width, height: height + CAPTION_HEIGHT, content: content + line };
}

/** The title as it is seen, cut to the width of the picture. */
export function titleText(title: string, width: number, styles: Styles): string {
  const font = { 'font-family': SANS, 'font-size': TITLE_SIZE, 'font-weight': 600 };
  const text = fitText(visibleText(title), lineLength(width, TITLE_SIZE));
  return element('text', { ...styles.role('text'), x: PADDING, y: PADDING + 14, ...font }, escapeXML(text));
}
