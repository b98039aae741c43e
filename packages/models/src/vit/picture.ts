import { HeedError, type Tensor } from '@heed/core';
import { shown, zeros } from '@heed/core/backend';

/** A picture of 8 bits a channel, row by row: such as `ImageData` of a canvas is. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, and alpha where there are four a pixel; alpha is not looked at. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Mean and standard deviation of each channel, of a share of 1. */
export interface PixelScale {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** Those of ImageNet, with which most vision transformers are trained. */
export const IMAGENET: PixelScale = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

/**
 * Patches of a picture, row by row, `[1, rows · columns, 3 · size²]`: channel by channel, as a convolution's weight has them.
 *
 * @throws HeedError `ARGUMENT` for what is not a picture; `SHAPE` where patches do not fill it.
 */
export function patchesOf(
  picture: Picture,
  size: number,
  { mean, deviation }: PixelScale,
): { readonly patches: Tensor<'float32'>; readonly grid: readonly [rows: number, columns: number] } {
  const { width, height, data } = checkPicture(picture);
  const [rows, columns] = [height / size, width / size];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new HeedError(
      'SHAPE',
      `the picture has ${width} × ${height} pixels; expected multiples of ${size}, the size of a patch`,
      { clause: 'models.picture', remedy: `resize it, such as to ${16 * size} × ${16 * size}` },
    );
  }
  const channels = data.length / (width * height);
  const patches = zeros('float32', [1, rows * columns, 3 * size * size]);
  let at = 0;
  for (let patch = 0; patch < rows * columns; patch++) {
    const [top, left] = [Math.floor(patch / columns) * size, (patch % columns) * size];
    for (let channel = 0; channel < 3; channel++) {
      for (let y = top; y < top + size; y++) {
        for (let x = left; x < left + size; x++) {
          const value = data[(y * width + x) * channels + channel] / 255;
          patches.data[at++] = (value - mean[channel]!) / deviation[channel]!;
        }
      }
    }
  }
  return { patches, grid: [rows, columns] };
}

function checkPicture(given: unknown): Picture {
  const { width, height, data } = (given ?? {}) as Partial<Picture>;
  const isBytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  const areCounts = [width, height].every((count) => Number.isSafeInteger(count) && count! > 0);
  const found = !areCounts
    ? `width and height are ${shown(width)} and ${shown(height)}; expected whole numbers of pixels`
    : !isBytes
      ? `data is ${shown(data)}; expected a Uint8Array`
      : data.length === 3 * width! * height! || data.length === 4 * width! * height!
        ? null
        : `data has ${data.length} bytes; expected ${3 * width! * height!} or ${4 * width! * height!}`;
  if (found === null) return given as Picture;
  throw new HeedError('ARGUMENT', `picture: ${found}`, {
    clause: 'models.picture',
    remedy: 'give { width, height, data }, such as getImageData() of a canvas returns',
  });
}
