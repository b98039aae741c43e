import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { type ColorMap, isDiverging } from './color.ts';
import { aroundZero } from './domain.ts';
import type { HeatmapPanels } from './heads.ts';
import type { HeatmapView } from './view.ts';

/**
 * The heatmaps of a picture, in their order.
 *
 * @throws HeedError `ARGUMENT` for a value that is not a picture: weights are not one yet.
 */
export function viewsOf(picture: HeatmapView | HeatmapPanels): readonly HeatmapView[] {
  const given = picture as Partial<HeatmapView & HeatmapPanels> | null | undefined;
  if (Array.isArray(given?.panels)) return given.panels as readonly HeatmapView[];
  if (ArrayBuffer.isView(given?.values)) return [picture as HeatmapView];
  throw new HeedError('ARGUMENT', `the picture is ${shown(picture)}; expected a heatmap or panels of them`, {
    remedy: 'make one with heatmap(weights), or allHeads(weights)',
  });
}

/** Returns a picture as it is drawn with a color map: one that diverges has 0 in the middle of the scale. */
export function scaledFor<P extends HeatmapView | HeatmapPanels>(picture: P, colorMap: ColorMap): P {
  if (!isDiverging(colorMap)) return picture;
  if ('panels' in picture) {
    return { ...picture, panels: picture.panels.map((view) => scaledFor(view, colorMap)) };
  }
  return { ...picture, domain: aroundZero(picture.domain) };
}
