import type { Domain } from '../domain.ts';
import { formatValue } from '../format.ts';
import type { Pen } from './cells.ts';
import { MONO } from './layout.ts';
import { element } from './xml.ts';

/** The colors of the scale, for {@link legend} to use. */
export function scaleGradient({ id, styles }: Pen): string {
  const stops = Array.from({ length: 17 }, (_, index) =>
    element('stop', { offset: index / 16, ...styles.stop(index / 16) }),
  );
  return element('linearGradient', { id: `${id}-scale` }, ...stops);
}

/** The color scale, with the values at its ends on both sides. */
export function legend(
  domain: Domain,
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
  { id, styles }: Pen,
): string {
  const [low, high] = domain.map(formatValue) as [string, string];
  const text = { ...styles.role('quiet'), y: y + 9, 'font-family': MONO, 'font-size': 11 };
  const bar = element('rect', { x, y, width, height: 10, rx: 5, fill: `url(#${id}-scale)` });
  return (
    element('text', { ...text, x: x - 12, 'text-anchor': 'end' }, low) +
    bar +
    element('text', { ...text, x: x + width + 10 }, high)
  );
}
