import { HeedError } from '@heed/core';
import { unzlibSync } from 'fflate';

/** Bytes that a `Blob` takes. Not `Uint8Array<ArrayBuffer>`: TypeScript before 5.7 knows no such type. */
export type FileBytes = Uint8Array & { readonly buffer: ArrayBuffer };

/** Draws SVG as PNG, with the letters of the fonts. */
export interface Engine {
  /**
   * @param fonts besides those that every picture has; they come first where those lack a character.
   * @returns the bytes of the file.
   */
  draw(svg: string, scale: number, fonts: readonly Uint8Array[]): Promise<FileBytes>;
}

let engine: Promise<Engine> | null = null;

/**
 * Starts resvg at the first call. The next call retries a start that failed.
 *
 * @throws HeedError `UNAVAILABLE` where it does not start.
 */
export function startEngine(): Promise<Engine> {
  engine ??= start().catch((error: unknown) => {
    engine = null;
    throw new HeedError('UNAVAILABLE', `toPNG: resvg does not start here: ${String(error)}`, {
      cause: error,
      remedy: 'use toSVG(), which does without WebAssembly, TextEncoder and TextDecoder',
    });
  });
  return engine;
}

/**
 * resvg and the fonts are modules of this package, so that every bundler includes them; and this resvg is separate, so
 * that an application can start another.
 */
async function start(): Promise<Engine> {
  const [{ Resvg, initWasm }, embedded] = await Promise.all([
    import('../../embedded/resvg.js'),
    import('../../embedded/engine.js'),
  ]);
  await initWasm(unpacked(embedded.engine));
  const dejaVu = embedded.fonts.map(unpacked);
  const has = (character: string): boolean => {
    const code = character.codePointAt(0)!;
    return embedded.ranges.some(([first, last]) => first <= code && code <= last);
  };

  return {
    async draw(svg, scale, fonts) {
      const wide = [...new Set(svg)].every(has) ? [] : [await wideFont()];
      const image = new Resvg(svg, {
        fitTo: { mode: 'zoom', value: scale },
        font: {
          fontBuffers: [...dejaVu, ...fonts, ...wide],
          defaultFontFamily: 'DejaVu Sans',
          sansSerifFamily: 'DejaVu Sans',
          monospaceFamily: 'DejaVu Sans Mono',
        },
      });
      try {
        const rendered = image.render();
        try {
          return rendered.asPng() as FileBytes;
        } finally {
          rendered.free();
        }
      } finally {
        image.free();
      }
    },
  };
}

let wide: Uint8Array | null = null;

/** Loads a font of 14 MB with nearly every character, for pictures with one that DejaVu lacks. */
async function wideFont(): Promise<Uint8Array> {
  wide ??= unpacked((await import('../../embedded/wide-font.js')).font);
  return wide;
}

function unpacked(packed: string): Uint8Array<ArrayBuffer> {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return unzlibSync(bytes);
}
