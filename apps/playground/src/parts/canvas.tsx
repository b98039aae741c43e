import { type RGB, type Scheme, colorAt, positionIn } from '@heed/heatmap';
import { useEffect, useRef } from 'preact/hooks';

interface CanvasProps {
  /** `[L, L]`, a pixel each. */
  readonly weights: Float32Array;
  readonly length: number;
  readonly domain: readonly [number, number];
  readonly scheme: Scheme;
  /** A row to point out. */
  readonly row?: number;
}

const LEVELS = 256;
const paletteOf = (scheme: Scheme): readonly RGB[] =>
  Array.from({ length: LEVELS }, (_, level) => colorAt('magma', level / (LEVELS - 1), scheme));
const PALETTES: Record<Scheme, readonly RGB[]> = { light: paletteOf('light'), dark: paletteOf('dark') };

/** A matrix as an image. It says nothing by itself: its surroundings name it. */
export function Canvas({ weights, length, domain, scheme, row }: CanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || length === 0) return;
    const palette = PALETTES[scheme];
    const image = context.createImageData(length, length);
    for (let at = 0; at < length * length; at++) {
      const level = Math.round((positionIn(domain, weights[at]!) ?? 0) * (LEVELS - 1));
      image.data.set(palette[level]!, 4 * at);
      image.data[4 * at + 3] = 255;
    }
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
