export type { ColorMap } from './color.ts';
export type { TerminalColor } from './paint.ts';
export { type SVGOptions, toSVG } from './svg.ts';
export { type TerminalOptions, toTerminal } from './terminal.ts';
export { type HeatmapOptions, type HeatmapView, heatmap } from './view.ts';
