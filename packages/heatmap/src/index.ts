export type { ColorMap } from './color.ts';
export type { TerminalColor } from './paint.ts';
export { type PooledWeights, type PoolingOptions, pooledWeights } from './long/pooled-weights.ts';
export type { WeightsRequest } from './long/one-head.ts';
export { type SVGOptions, toSVG } from './svg.ts';
export { type TerminalOptions, toTerminal } from './terminal.ts';
export { type HeatmapOptions, type HeatmapView, heatmap } from './view.ts';
