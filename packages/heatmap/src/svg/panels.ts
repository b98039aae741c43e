import type { HeatmapPanels } from '../heads.ts';
import { type Pen, drawCells, drawHighlight, hatch } from './cells.ts';
import { type Drawing, titleText } from './document.ts';
import { MOST_ELEMENTS, PADDING, SANS } from './layout.ts';
import { legend, scaleGradient } from './legend.ts';
import { fitText, visibleText } from '../text.ts';
import { element, escapeXML } from './xml.ts';

const PANEL = 168;
const GAP = 24;
const CAPTION = 22;
const LEGEND = { width: 160, height: 10 };

/** Draws all panels in rows of four, each with its name above it, and one color scale. Cells tell their names. */
export function drawPanels({ title, panels }: HeatmapPanels, pen: Pen): Drawing {
  const across = Math.min(4, Math.max(1, panels.length));
  const down = Math.ceil(panels.length / across);
  const top = PADDING + 40;
  const width = 2 * PADDING + across * PANEL + (across - 1) * GAP;
  const bottom = top + down * (CAPTION + PANEL + GAP);
  const raster = panels.reduce((sum, { values }) => sum + values.length, 0) > MOST_ELEMENTS;

  const drawn = panels.map((view, index) => {
    const x = PADDING + (index % across) * (PANEL + GAP);
    const y = top + Math.floor(index / across) * (CAPTION + PANEL + GAP);
    const cell = PANEL / Math.max(1, view.rows.length, view.columns.length);
    const grid = { x, y: y + CAPTION, cell, cellHeight: cell, numbers: false, raster };
    const name = { ...pen.styles.role('text'), x, y: y + 12, 'font-family': SANS, 'font-size': 12 };
    return (
      element('text', name, escapeXML(fitText(visibleText(view.title), 22))) +
      drawCells(view, grid, pen) +
      drawHighlight(view, grid, pen.styles)
    );
  });
  const scale = panels[0]
    ? legend(panels[0].domain, { x: PADDING + 48, y: bottom, width: LEGEND.width }, pen)
    : '';
  return {
    width: Math.max(width, 360),
    height: bottom + LEGEND.height + PADDING,
    content: [
      element('defs', {}, hatch(pen), scaleGradient(pen)),
      titleText(title, Math.max(width, 360), pen.styles),
      ...drawn,
      scale,
    ].join(''),
  };
}
