import { HeedError } from '@heed/core';
import { checkOptions, shown } from '@heed/core/backend';
import type { ColorMap, Scheme } from '../color.ts';
import type { HeatmapPanels } from '../heads.ts';
import { checkOneOf } from '../options.ts';
import { toSVG } from '../svg/svg.ts';
import { type FileBytes, startEngine } from './engine.ts';
import type { HeatmapView } from '../view.ts';

/** Options of {@link toPNG}. */
export interface PNGOptions {
  /** Pixels for each pixel of the SVG. Default 2. */
  readonly scale?: number | undefined;
  /** Default `magma`. */
  readonly colorMap?: ColorMap | undefined;
  /** Default `light`. */
  readonly theme?: Scheme | undefined;
  /**
   * TrueType or OpenType files for characters that DejaVu lacks. Default: UnifontEX, a font of 16 × 16 pixels with
   * Chinese, Japanese, Korean, emoji and nearly all else; a font that you give goes before it.
   */
  readonly fonts?: readonly Uint8Array[] | undefined;
  /** A line below the picture, as in {@link toSVG}. */
  readonly caption?: string | undefined;
}

/**
 * Draws the picture of {@link toSVG} as a PNG, with the same letters on every machine: resvg, DejaVu and, loaded when a
 * character needs it, UnifontEX come with this package, as modules that every bundler includes. In a browser, a canvas
 * avoids their 3 to 8 MB.
 *
 * @returns the bytes of the file.
 * @throws HeedError as {@link toSVG} does; `ARGUMENT` for a scale that is not a number over 0, more than 2²⁷ pixels, or
 * fonts that are not files; `UNAVAILABLE` where resvg does not start.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { heatmap } from '@heed/heatmap';
 * import { toPNG } from '@heed/heatmap/png';
 *
 * const png = await toPNG(heatmap(tensor(new Float32Array([0.25, 0.75]), [1, 2])));
 * console.log(String.fromCharCode(...png.subarray(1, 4))); // PNG
 * ```
 */
export async function toPNG(
  picture: HeatmapView | HeatmapPanels,
  options: PNGOptions = {},
): Promise<FileBytes> {
  checkOptions('toPNG()', options, { scale: true, colorMap: true, theme: true, fonts: true, caption: true });
  const { scale = 2, colorMap = 'magma', theme = 'light', fonts = [], caption } = options;
  checkOneOf('theme', theme, ['light', 'dark']);
  if (!Array.isArray(fonts) || Array.from(fonts).some((font) => !ArrayBuffer.isView(font))) {
    throw new HeedError('ARGUMENT', `fonts is ${shown(fonts)}; expected an array of files`, {
      remedy: 'give the bytes of each file as a Uint8Array',
    });
  }
  const svg = toSVG(picture, { colorMap, theme, ...(caption !== undefined && { caption }) });
  const [width, height] = [...svg.matchAll(/ (?:width|height)="([\d.]+)"/g)].map(([, pixels]) =>
    Number(pixels),
  );
  if (!(typeof scale === 'number' && scale > 0 && scale * scale * width! * height! <= 2 ** 27)) {
    throw new HeedError(
      'ARGUMENT',
      `scale is ${shown(scale)}, for a picture of ${width} × ${height} pixels`,
      {
        remedy: 'choose a scale greater than 0, and small enough for a picture of 134 million pixels',
      },
    );
  }
  return (await startEngine()).draw(svg, scale, fonts);
}
