import { writeFileSync } from 'node:fs';
import path from 'node:path';
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
import type { Source } from './choose-weights.ts';

/** One head, all of them beside each other, or their mean. */
export type Heads = number | 'all' | 'mean';

export interface DrawOptions {
  readonly batch?: number;
  readonly head?: Heads;
  readonly rollout?: true;
  readonly tokens?: readonly string[];
  readonly title: string;
  readonly domain?: DomainOption;
}

/** Longer inputs go tile by tile at the resolution of the picture. */
const LONGEST_WHOLE = 2048;
const MOST_CELLS = 1024;

/** The picture that is asked for. `backend` is called when weights have to be computed. */
export async function pictureOf(
  source: Source,
  options: DrawOptions,
  backend: () => Promise<AttentionBackend>,
): Promise<HeatmapView | HeatmapPanels> {
  if (source.kind === 'weights') return ofWeights(source.layers, options);
  const engine = await backend();
  try {
    const { query, key } = source.request;
    const isLong = Math.max(...query.shape.slice(1, 3), ...key.shape.slice(1, 3)) > LONGEST_WHOLE;
    if (isLong && !options.rollout && typeof (options.head ?? 0) === 'number')
      return await ofLong(source, options, engine);
    const { weights } = await attention(engine, {
      ...source.request,
      gradient: false,
      outputs: ['weights'],
    });
    return ofWeights([weights], options);
  } finally {
    await engine.dispose();
  }
}

async function ofLong(
  source: Source & { readonly kind: 'request' },
  { batch, head, tokens, title, domain = 'robust' }: DrawOptions,
  backend: AttentionBackend,
): Promise<HeatmapView> {
  if (tokens !== undefined) {
    throw new HeedError(
      'ARGUMENT',
      `--tokens is given, weights of more than ${LONGEST_WHOLE} tokens are drawn tile by tile, without labels`,
      { remedy: 'leave out --tokens' },
    );
  }
  const { max, rows, columns } = await pooledWeights(backend, source.request, {
    most: MOST_CELLS,
    ...(batch !== undefined && { batch }),
    ...(typeof head === 'number' && { head }),
  });
  return heatmap(max, { rows, columns, title, domain });
}

function ofWeights(layers: readonly Tensor[], options: DrawOptions): HeatmapView | HeatmapPanels {
  const { batch, head, tokens, title, domain } = options;
  const [, , queries, keys] = layers[0]!.shape;
  const shared = {
    title,
    ...(batch !== undefined && { batch }),
    ...(domain !== undefined && { domain }),
    ...(tokens?.length === queries && { rows: tokens! }),
    ...(tokens?.length === keys && { columns: tokens! }),
  };
  if (tokens !== undefined && !('rows' in shared) && !('columns' in shared)) {
    throw new HeedError('SHAPE', `there are ${tokens.length} tokens, weights have Lq=${queries}, Lk=${keys}`);
  }
  if (options.rollout) return heatmap(rollout(layers), shared);
  if (layers.length > 1) {
    throw new HeedError('ARGUMENT', `${layers.length} tensors are named`, {
      remedy: 'add --rollout, or name one',
    });
  }
  if (head === 'all') return allHeads(layers[0]!, shared);
  if (head === 'mean') return heatmap(meanOverHeads(layers[0]!), shared);
  return heatmap(layers[0]!, { ...shared, ...(head !== undefined && { head }) });
}

export interface WriteOptions {
  readonly colorMap: ColorMap;
  readonly theme: Scheme | 'auto';
}

export const FORMATS = ['.svg', '.png', '.html'] as const;

/** Writes a picture in the format that the file's name ends with. */
export async function writePicture(
  picture: HeatmapView | HeatmapPanels,
  file: string,
  options: WriteOptions,
): Promise<void> {
  const small = smallEnough(picture, MOST_CELLS);
  writeFileSync(file, await render(small, path.extname(file).toLowerCase(), options));
}

async function render(
  picture: HeatmapView | HeatmapPanels,
  extension: string,
  { colorMap, theme }: WriteOptions,
): Promise<string | Uint8Array> {
  if (extension === '.svg') return toSVG(picture, { colorMap, theme });
  if (extension === '.html') return toHTML(picture, { colorMap, theme });
  const { toPNG } = await import('@heed/heatmap/png');
  return toPNG(picture, { colorMap, theme: theme === 'dark' ? 'dark' : 'light' });
}

/** At most so many cells along each axis. */
export function smallEnough(picture: HeatmapView | HeatmapPanels, most: number): HeatmapView | HeatmapPanels {
  if (!('panels' in picture)) return shrink(picture, most);
  return { ...picture, panels: picture.panels.map((view) => shrink(view, Math.floor(most / 4))) };
}
