import { type Scheme, colorAt, positionIn } from '@heed/heatmap';
import { useEffect, useRef } from 'preact/hooks';

interface CanvasProps {
  /** Weights `[L, L]`, one pixel each. */
  readonly weights: Float32Array;
  readonly length: number;
  readonly domain: readonly [number, number];
  readonly scheme: Scheme;
  /** Row to highlight. */
  readonly row?: number;
}

const LEVELS = 256;

/** Colors as a canvas holds them: one 32-bit word a pixel, red in its lowest byte. */
const paletteOf = (scheme: Scheme): Uint32Array =>
  Uint32Array.from({ length: LEVELS }, (_, level) => {
    const [red, green, blue] = colorAt('magma', level / (LEVELS - 1), scheme);
    return 0xff000000 | (blue << 16) | (green << 8) | red;
  });
const PALETTES: Record<Scheme, Uint32Array> = { light: paletteOf('light'), dark: paletteOf('dark') };

/** Writes the colors of weights, one word each. */
export function paint(
  pixels: Uint32Array,
  weights: Float32Array,
  domain: readonly [number, number],
  scheme: Scheme,
): void {
  const palette = PALETTES[scheme];
  for (let at = 0; at < pixels.length; at++) {
    pixels[at] = palette[Math.round((positionIn(domain, weights[at]!) ?? 0) * (LEVELS - 1))]!;
  }
}

/** A matrix as an image, without a name for screen readers: its surroundings name it. */
export function Canvas({ weights, length, domain, scheme, row }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || length === 0) return;
    const image = context.createImageData(length, length);
    paint(new Uint32Array(image.data.buffer), weights, domain, scheme);
    context.putImageData(image, 0, 0);
  }, [weights, length, domain[0], domain[1], scheme]);
  return (
    <span class="canvas" aria-hidden="true">
      <canvas ref={canvas} width={length} height={length} />
      {row !== undefined && (
        <span class="row" style={{ top: `${(100 * row) / length}%`, height: `${100 / length}%` }} />
      )}
    </span>
  );
}
