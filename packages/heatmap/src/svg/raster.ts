import { type ColorMap, type RGB, type Scheme, colorAt, positionIn } from '../color.ts';
import type { HeatmapView } from '../view.ts';
import { encodePNG } from './encode-png.ts';

/** More levels than 8 bits a channel show; odd, so that the middle of the scale has one. */
const LEVELS = 1025;

/** The cells as a PNG of one pixel each, as a `data:` address; cells that are not a number are transparent. */
export function rasterOf(
  { values, rows, columns, domain }: HeatmapView,
  map: ColorMap,
  scheme: Scheme,
): string {
  const colors: RGB[] = Array.from({ length: LEVELS }, (_, level) =>
    colorAt(map, level / (LEVELS - 1), scheme),
  );
  const data = new Uint8Array(4 * values.length);
  values.forEach((value, index) => {
    const position = positionIn(domain, value);
    if (position !== null) data.set([...colors[Math.round(position * (LEVELS - 1))]!, 255], 4 * index);
  });
  const png = encodePNG(columns.length, rows.length, data);
  return `data:image/png;base64,${base64(png)}`;
}

function base64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  // A call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(pieces.join(''));
}
