import { type PlainTensorLike, type Tensor, tensor } from '@heed/core';
import { domainOf } from './domain.ts';
import { checkChoices, checkTexts } from './options.ts';
import { HEATMAP_NAMES, type HeatmapOptions, type HeatmapView, heatmap } from './view.ts';
import { weightsOf } from './weights.ts';

/** Several heatmaps in one picture, with one color scale. Plain data, which survives `structuredClone`. */
export interface HeatmapPanels {
  readonly title: string;
  readonly description: string;
  /** Heatmaps that share one domain. */
  readonly panels: readonly HeatmapView[];
}

/**
 * Draws all heads of a layer side by side, with one color scale.
 *
 * @param weights `[B, Hq, Lq, Lk]`, with a batch element chosen.
 * @throws HeedError as {@link heatmap} does.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { allHeads, toSVG } from '@heed/heatmap';
 *
 * const weights = tensor(new Float32Array([1, 0, 0.25, 0.75]), [1, 2, 1, 2]);
 * const picture = allHeads(weights, { title: 'Layer 0' });
 * console.log(picture.panels[1].title, toSVG(picture).startsWith('<svg')); // Head 1 true
 * ```
 */
export function allHeads(
  weights: PlainTensorLike,
  options: Omit<HeatmapOptions, 'head'> = {},
): HeatmapPanels {
  const { head: _head, ...names } = HEATMAP_NAMES;
  checkChoices('allHeads()', options, names);
  checkTexts({ title: options.title, description: options.description });
  const {
    lengths: [, heads],
    shape,
  } = weightsOf(weights);
  const { title = 'Attention weights', description, domain, ...rest } = options;
  const views = Array.from({ length: heads }, (_, head) =>
    heatmap(weights, { ...rest, ...(shape.length === 4 && { head }), title: `Head ${head}` }),
  );
  const shared = domainOf(domain, ...views.map(({ values }) => values));
  const panels = views.map((view) => ({ ...view, domain: shared }));
  return {
    title,
    description: description ?? panels.map((view) => `${view.title}: ${view.description}`).join(' '),
    panels,
  };
}

/**
 * The mean of the heads of a layer.
 *
 * @param weights `[B, Hq, Lq, Lk]`, or `[Lq, Lk]`.
 * @returns `[B, 1, Lq, Lk]`.
 * @throws HeedError `SHAPE`, `DTYPE`.
 */
export function meanOverHeads(weights: PlainTensorLike): Tensor<'float64'> {
  const {
    lengths: [batch, heads, rows, columns],
    data,
  } = weightsOf(weights);
  const size = rows * columns;
  const mean = new Float64Array(batch * size);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const start = (b * heads + h) * size;
      for (let at = 0; at < size; at++) mean[b * size + at]! += data[start + at]! / heads;
    }
  }
  return tensor(mean, [batch, 1, rows, columns]);
}
