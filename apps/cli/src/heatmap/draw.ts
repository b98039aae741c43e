import { type AttentionBackend, HeedError, type Tensor, attention } from '@heed/core';
import {
  type ColorMap,
  type DomainOption,
  type HeatmapPanels,
  type HeatmapView,
  type Scheme,
  allHeads,
  heatmap,
  meanOverHeads,
  pooledWeights,
  rollout,
  shrink,
  toHTML,
  toSVG,
} from '@heed/heatmap';
import type { Heads, Source } from './choose-weights.ts';
import type { Labels } from './files/read-file.ts';

export interface DrawOptions {
  readonly batch?: number;
  readonly head?: Heads;
  readonly rollout?: true;
  readonly labels: Labels;
  readonly title: string;
  readonly domain?: DomainOption;
}

/** Longest input drawn whole; longer ones go tile by tile at the resolution of the picture. */
const LONGEST_WHOLE = 2048;
const MOST_CELLS = 1024;

/** Returns the requested picture. Calls `backend` if weights have to be computed. */
export async function pictureOf(
  source: Source,
  options: DrawOptions,
  backend: () => Promise<AttentionBackend>,
): Promise<HeatmapView | HeatmapPanels> {
  if (source.kind === 'weights') {
    const { layers, batch, head } = source;
    const { batch: _batch, head: _head, ...rest } = options;
    return ofWeights(layers, {
      ...rest,
      ...(batch !== undefined && { batch }),
      ...(head !== undefined && { head }),
    });
  }
  const engine = await backend();
  try {
    const { query, key } = source.request;
    const isLong = Math.max(...query.shape.slice(1, 3), ...key.shape.slice(1, 3)) > LONGEST_WHOLE;
    if (isLong && !options.rollout && typeof (options.head ?? 0) === 'number')
      return await ofLong(source, options, engine);
    const { weights } = await attention(engine, {
      ...source.request,
      gradient: false,
      output: false,
      weights: true,
    });
    return ofWeights([weights], options);
  } finally {
    await engine.dispose();
  }
}

async function ofLong(
  source: Source & { readonly kind: 'request' },
  { batch, head, labels, title, domain = 'robust' }: DrawOptions,
  backend: AttentionBackend,
): Promise<HeatmapView> {
  if (Object.keys(labels).length > 0) {
    throw new HeedError(
      'ARGUMENT',
      `labels require at most ${LONGEST_WHOLE} tokens; longer weights are drawn tile by tile`,
      { remedy: 'leave out --tokens, --query-tokens and --key-tokens' },
    );
  }
  const { max, rows, columns } = await pooledWeights(backend, source.request, {
    maximum: MOST_CELLS,
    ...(batch !== undefined && { batch }),
    ...(typeof head === 'number' && { head }),
  });
  return heatmap(max, { rows, columns, title, domain });
}

function ofWeights(layers: readonly Tensor[], options: DrawOptions): HeatmapView | HeatmapPanels {
  const { batch, head, labels, title, domain } = options;
  const [, , queries, keys] = layers[0]!.shape;
  const { both } = labels;
  const rows = labels.queries ?? (both?.length === queries ? both : undefined);
  const columns = labels.keys ?? (both?.length === keys ? both : undefined);
  if (both !== undefined && rows === undefined && columns === undefined) {
    throw new HeedError(
      'SHAPE',
      `tokens has ${both.length} entries; weights have Lq=${queries}, Lk=${keys}`,
      {
        remedy: 'give as many tokens as rows or columns, or --query-tokens and --key-tokens',
      },
    );
  }
  const shared = {
    title,
    ...(batch !== undefined && { batch }),
    ...(domain !== undefined && { domain }),
    ...(rows && { rows }),
    ...(columns && { columns }),
  };
  if (options.rollout) return heatmap(rollout(layers), shared);
  if (head === 'all') return allHeads(layers[0]!, shared);
  if (head === 'mean') return heatmap(meanOverHeads(layers[0]!), shared);
  return heatmap(layers[0]!, { ...shared, ...(head !== undefined && { head }) });
}

export interface RenderOptions {
  readonly colorMap: ColorMap;
  readonly theme: Scheme | 'auto';
}

export const FORMATS = ['.svg', '.png', '.html'] as const;

/** Renders a picture in the format of a file's extension. */
export async function renderPicture(
  whole: HeatmapView | HeatmapPanels,
  extension: string,
  { colorMap, theme }: RenderOptions,
): Promise<string | Uint8Array> {
  const picture = smallEnough(whole, MOST_CELLS);
  if (extension === '.svg') return toSVG(picture, { colorMap, theme });
  if (extension === '.html') return toHTML(picture, { colorMap, theme });
  const { toPNG } = await import('@heed/heatmap/png');
  return toPNG(picture, { colorMap, theme: theme === 'dark' ? 'dark' : 'light' });
}

/** Shrinks a picture to at most this many cells along each axis. */
export function smallEnough(
  picture: HeatmapView | HeatmapPanels,
  maximum: number,
): HeatmapView | HeatmapPanels {
  if (!('panels' in picture)) return shrink(picture, maximum);
  return { ...picture, panels: picture.panels.map((view) => shrink(view, Math.floor(maximum / 4))) };
}
