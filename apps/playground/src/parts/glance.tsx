import type { Scheme } from '@heed/heatmap';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Reading } from '../engine/reading.ts';
import { paint } from './canvas.tsx';

interface GlanceProps {
  readonly reading: Reading;
  readonly layer: number;
  readonly head: number;
  readonly scheme: Scheme;
  readonly onChoose: (layer: number, head: number) => void;
}

/** Pixels of a head, and of the gap between two. */
const [SIZE, GAP] = [28, 4];

/** Every head of every layer as a small picture. The pointer names one, a click chooses it; so do the sliders. */
export function Glance({ reading, layer, head, scheme, onChoose }: GlanceProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [pointed, setPointed] = useState<readonly [layer: number, head: number] | null>(null);
  const { layers, heads } = reading;
  const width = layers * (SIZE + GAP) - GAP;
  const height = heads * (SIZE + GAP) - GAP;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.putImageData(picture(reading, scheme), 0, 0);
  }, [reading, scheme]);
  const placeOf = (event: MouseEvent): readonly [number, number] => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const index = (offset: number, size: number, count: number): number =>
      Math.min(count - 1, Math.max(0, Math.floor((offset / size) * count)));
    return [
      index(event.clientX - box.left, box.width, layers),
      index(event.clientY - box.top, box.height, heads),
    ];
  };
  const at = (n: number, of: number): string => `${(100 * n * (SIZE + GAP)) / of}%`;
  const [l, h] = pointed ?? [layer, head];
  return (
    <section aria-labelledby="glance">
      <h2 id="glance">
        All {layers} layers, {heads} heads each
      </h2>
      <div
        class="glance"
        aria-hidden="true"
        style={{ maxWidth: `${2 * width}px` }}
        onMouseMove={(event) => setPointed(placeOf(event))}
        onMouseLeave={() => setPointed(null)}
        onClick={(event) => onChoose(...placeOf(event))}
      >
        <canvas ref={canvas} width={width} height={height} />
        <span
          style={{
            left: at(layer, width),
            top: at(head, height),
            width: `${(100 * SIZE) / width}%`,
            height: `${(100 * SIZE) / height}%`,
          }}
        />
      </div>
      <p class="quiet">
        {pointed ? 'Click for' : 'Shown below:'} layer {l}, head {h}. Layers from left to right; the sliders
        choose as well.
      </p>
    </section>
  );
}

/** All heads in one image. A pixel is as strong as the strongest weight that it stands for. */
function picture({ layers, heads, tokens, weights }: Reading, scheme: Scheme): ImageData {
  const length = tokens.length;
  const side = Math.min(length, SIZE);
  const place = Int32Array.from({ length }, (_, n) => Math.floor((n * side) / length));
  const strongest = new Float32Array(side * side);
  const width = layers * (SIZE + GAP) - GAP;
  const image = new ImageData(width, heads * (SIZE + GAP) - GAP);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = new Uint32Array(side * side);
  for (let n = 0; n < layers * heads; n++) {
    strongest.fill(0);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j <= i; j++) {
        const at = place[i]! * side + place[j]!;
        strongest[at] = Math.max(strongest[at]!, weights[(n * length + i) * length + j]!);
      }
    }
    paint(colors, strongest, [0, 0.5], scheme);
    const corner = (n % heads) * (SIZE + GAP) * width + Math.floor(n / heads) * (SIZE + GAP);
    for (let y = 0; y < SIZE; y++) {
      const row = Math.floor((y * side) / SIZE) * side;
      for (let x = 0; x < SIZE; x++) {
        pixels[corner + y * width + x] = colors[row + Math.floor((x * side) / SIZE)]!;
      }
    }
  }
  return image;
}
