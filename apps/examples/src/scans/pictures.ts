/**
 * Generated scans: 32 × 32 pixels of smooth texture and noise with one small spot of one of four kinds, anywhere. No
 * real data and no diagnosis: a task whose answer lies in two hundredths of the picture.
 */

export const SIZE = 32;
export const PATCH = 4;
export const GRID: number = SIZE / PATCH;
export const KINDS: readonly string[] = ['bright disc', 'dark disc', 'bright ring', 'dark ring'];

export interface Picture {
  /** Row-major, around 0. */
  readonly pixels: Float32Array;
  readonly kind: number;
  /** Patch that contains the center of the spot. */
  readonly patch: number;
}

export function randomPicture(random: () => number): Picture {
  const noise = (): number => random() + random() + random() - 1.5;
  const waves = Array.from(
    { length: 4 },
    () => [0.3 * noise(), 0.3 * noise(), random() * 2 * Math.PI] as const,
  );
  const kind = Math.floor(random() * KINDS.length);
  const patch = Math.floor(random() * GRID * GRID);
  const middle = [Math.floor(patch / GRID), patch % GRID].map((at) => at * PATCH + 1.5 + (random() - 0.5));
  const pixels = Float32Array.from({ length: SIZE * SIZE }, (_, n) => {
    const [y, x] = [Math.floor(n / SIZE), n % SIZE];
    const texture = waves.reduce((sum, [fy, fx, phase]) => sum + 0.4 * Math.sin(fy * y + fx * x + phase), 0);
    return texture + 0.6 * noise() + spot(kind, Math.hypot(y - middle[0], x - middle[1]));
  });
  return { pixels, kind, patch };
}

function spot(kind: number, distance: number): number {
  const sign = kind % 2 === 0 ? 1 : -1;
  const peak = kind < 2 ? 0 : 1.9;
  return sign * 2 * Math.exp(-((distance - peak) ** 2) / (kind < 2 ? 2 : 0.7));
}

/** Returns the pixels of each patch side by side: `[64, 16]`. */
export function patchesOf({ pixels }: Picture): Float32Array {
  const area = PATCH * PATCH;
  return Float32Array.from({ length: pixels.length }, (_, n) => {
    const [patch, pixel] = [Math.floor(n / area), n % area];
    const y = Math.floor(patch / GRID) * PATCH + Math.floor(pixel / PATCH);
    return pixels[y * SIZE + (patch % GRID) * PATCH + (pixel % PATCH)];
  });
}
