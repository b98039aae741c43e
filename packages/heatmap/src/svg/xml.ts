import { checkText } from '../options.ts';
import { visibleText } from '../text.ts';

type Attributes = Readonly<Record<string, string | number | undefined>>;

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text that HTML and XML show as it is: `<`, `&` and their like as entities.
 *
 * @throws HeedError `ARGUMENT` for anything but a string.
 */
export function escapeMarkup(text: string): string {
  checkText(text);
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** The same, with the characters that XML forbids made visible. */
export function escapeXML(text: string): string {
  return escapeMarkup(visibleText(text));
}

/** An element with its attributes escaped. The content is XML already; attributes that are undefined are left out. */
export function element(name: string, attributes: Attributes, ...content: string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escapeXML(value!)}"`)
    .join('');
  return content.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${content.join('')}</${name}>`;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
