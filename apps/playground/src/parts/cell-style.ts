import {
  type Scheme,
  colorAt,
  formatCell,
  formatValue,
  inkOn,
  positionIn,
  toHex,
  visibleText,
} from '@heed/heatmap';

/** Ground and ink of a weight. */
export function cellStyle(
  weight: number,
  domain: readonly [number, number],
  scheme: Scheme,
): Record<string, string> {
  const ground = colorAt('magma', positionIn(domain, weight) ?? 0, scheme);
  return { backgroundColor: toHex(ground), color: toHex(inkOn(ground)) };
}

/** Name of a cell for screen readers and the tooltip, including the number that it shows. */
export function nameOf(from: string, to: string, weight: number): string {
  const exact = formatValue(weight);
  const isCut = exact.includes('e-');
  return `${from} → ${to}: ${isCut ? `0${formatCell(weight)}, more exactly ${exact}` : exact}`;
}

/** A token as text that can be seen, whatever is in it. */
export function textOf(token: string): string {
  return visibleText(token) || '∅';
}
