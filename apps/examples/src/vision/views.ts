import { type AttentionBackend, type Tensor, tensor } from '@heed/core';
import { type HeatmapView, escapeMarkup, meanOverHeads, overImage, rollout, toSVG } from '@heed/heatmap';
import type { Capture, Picture, SaliencyHead, VisionTransformer } from '@heed/models';
import { pngAddress } from './png.ts';

/** Views of what a vision transformer looks at in a picture. */
export interface VisionViews {
  /** `[1, H, L, L]` of each layer. */
  readonly layers: readonly Tensor<'float32'>[];
  /** Saliency of each pixel, `[height, width]`; null without a head. */
  readonly saliency: Tensor<'float32'> | null;
  readonly views: readonly HeatmapView[];
}

/**
 * Three views over the picture: where the class token looks in the last layer, what reaches it through all layers by attention rollout,
 * and the saliency that a trained head reads from the patches.
 */
export async function visionViews(
  backend: AttentionBackend,
  model: VisionTransformer,
  head: SaliencyHead | null,
  picture: Picture,
): Promise<VisionViews> {
  const capture = Array.from({ length: model.config.layers }, (_, layer): Capture => ({
    layer,
    what: 'weights',
  }));
  const seen = await model.run(picture, { capture });
  const saliency = head === null ? null : await head.run(backend, seen, [picture.height, picture.width]);
  const { grid, captured: layers } = seen;
  const image = pngAddress(picture);
  const over = { query: 0, grid, image, batch: 0, head: 0 } as const;
  const views = [
    overImage(meanOverHeads(layers.at(-1)!), { ...over, skip: 1, title: 'Last layer, mean of the heads' }),
    overImage(rollout(layers), { ...over, skip: 1, title: 'Attention rollout' }),
  ];
  if (saliency !== null) {
    const cells = patchMeans(saliency, grid);
    views.push(overImage(cells, { query: 0, grid, image, title: 'Saliency by the trained head' }));
  }
  return { layers, saliency, views };
}

/** Mean over each patch, `[1, rows · columns]`. */
function patchMeans(
  { shape, data }: Tensor<'float32'>,
  [rows, columns]: readonly [number, number],
): Tensor<'float32'> {
  const [height, width] = shape as [number, number];
  const sums = new Float32Array(rows * columns);
  data.forEach((value, at) => {
    const row = Math.floor((Math.floor(at / width) * rows) / height);
    const column = Math.floor(((at % width) * columns) / width);
    sums[row * columns + column] += value;
  });
  const pixels = data.length / sums.length;
  return tensor(
    sums.map((sum) => sum / pixels),
    [1, rows * columns],
  );
}

/** Pictures side by side, SVG. */
export function sideBySide(title: string, views: readonly HeatmapView[]): string {
  let [right, bottom] = [0, 0];
  const parts = views.map((view) => {
    const svg = toSVG(view);
    const [, , , width, height] = /viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg)!.map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const placed = svg.replace('<svg', `<svg x="${right}"`);
    right += width;
    bottom = Math.max(bottom, height);
    return placed;
  });
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${right} ${bottom}" width="${right}" height="${bottom}">`;
  return `${head}<title>${escapeMarkup(title)}</title>\n${parts.join('\n')}\n</svg>\n`;
}
