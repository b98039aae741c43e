import { HeedError } from '@heed/core';
import { Resvg, initWasm } from '@resvg/resvg-wasm';
import type { ColorMap, Scheme } from './color.ts';
import type { HeatmapPanels } from './heads.ts';
import { checkNames, checkOneOf, shown } from './options.ts';
import { toSVG } from './svg.ts';
import type { HeatmapView } from './view.ts';

export interface PNGOptions {
  /** Pixels for each pixel of the SVG. Default 2. */
  readonly scale?: number;
  /** Default `magma`. */
  readonly colorMap?: ColorMap;
  /** Default `light`. */
  readonly theme?: Scheme;
  /** TrueType or OpenType files, for scripts that DejaVu lacks, such as Chinese. */
  readonly fonts?: readonly Uint8Array[];
}

// Literal addresses: bundlers look for this form, and take the files along.
const ENGINE = (): URL => new URL(import.meta.resolve('@resvg/resvg-wasm/index_bg.wasm'));
const FONTS = ['DejaVuSansMono', 'DejaVuSansMono-Bold', 'DejaVuSans', 'DejaVuSans-Bold'];

let engine: Promise<Uint8Array[]> | null = null;

/**
 * The picture that {@link toSVG} draws, as a PNG, with the same letters on every machine (DejaVu comes with this
 * package). Drawn by resvg; in a browser a canvas does without these 4 MB.
 *
 * @returns the bytes of the file.
 * @throws HeedError as {@link toSVG} does; `ARGUMENT` for a scale that is no number over 0, more than 2²⁷ pixels, or
 * fonts that are no files.
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
): Promise<Uint8Array> {
  checkNames('toPNG()', options, { scale: true, colorMap: true, theme: true, fonts: true });
  const { scale = 2, colorMap = 'magma', theme = 'light', fonts = [] } = options;
  checkOneOf('theme', theme, ['light', 'dark']);
  if (!Array.isArray(fonts) || fonts.some((font) => !ArrayBuffer.isView(font))) {
    throw new HeedError('ARGUMENT', `fonts is ${shown(fonts)}, expected an array of files`, {
      remedy: 'give the bytes of each file as a Uint8Array',
    });
  }
  const svg = toSVG(picture, { colorMap, theme });
  const [width, height] = [...svg.matchAll(/ (?:width|height)="([\d.]+)"/g)].map(([, pixels]) =>
    Number(pixels),
  );
  if (!(typeof scale === 'number' && scale > 0 && scale * scale * width! * height! <= 2 ** 27)) {
    throw new HeedError('ARGUMENT', `scale is ${scale}, for a picture of ${width} × ${height} pixels`, {
      remedy: 'choose a scale greater than 0, and small enough for a picture of 134 million pixels',
    });
  }
  engine ??= start();
  const image = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: {
      fontBuffers: [...(await engine), ...fonts],
      defaultFontFamily: 'DejaVu Sans',
      sansSerifFamily: 'DejaVu Sans',
      monospaceFamily: 'DejaVu Sans Mono',
    },
  });
  try {
    const rendered = image.render();
    try {
      return rendered.asPng();
    } finally {
      rendered.free();
    }
  } finally {
    image.free();
  }
}

/** Starts the engine once, and reads the fonts. */
async function start(): Promise<Uint8Array[]> {
  await initWasm(await bytesOf(ENGINE()));
  const urls = FONTS.map((name) => new URL(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)));
  return Promise.all(urls.map(bytesOf));
}

async function bytesOf(url: URL): Promise<Uint8Array> {
  if (url.protocol !== 'file:') return new Uint8Array(await (await fetch(url)).arrayBuffer());
  // No node: import, which would break a bundle for the browser.
  const { readFile } = globalThis.process.getBuiltinModule('node:fs/promises');
  return new Uint8Array(await readFile(url));
}
