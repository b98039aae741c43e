// exports
//   AudioOptions
//   ColorMap
//   Domain
//   DomainOption
//   HTMLOptions
//   HeatmapAxes
//   HeatmapOptions
//   HeatmapPanels
//   HeatmapView
//   ImageOptions
//   PooledWeights
//   PoolingOptions
//   RGB
//   SVGOptions
//   Scheme
//   TerminalColor
//   TerminalOptions
//   WeightsRequest
//   allHeads
//   colorAt
//   escapeMarkup
//   formatCell
//   formatValue
//   heatmap
//   inkOn
//   meanOverHeads
//   overAudio
//   overImage
//   pooledWeights
//   positionIn
//   rollout
//   shrink
//   toHTML
//   toHex
//   toSVG
//   toTerminal
//   visibleText

export interface AudioOptions extends Omit<HeatmapOptions, 'columns' | 'highlight'> {
    readonly secondsPerFrame: number;
    readonly samples?: Float32Array | undefined;
}

export type ColorMap = 'magma' | 'inferno' | 'plasma' | 'viridis' | 'RdBu';

export type Domain = readonly [low: number, high: number];

export type DomainOption = Domain | 'robust';

export interface HTMLOptions {
    readonly title?: string | undefined;
    readonly colorMap?: ColorMap | undefined;
    readonly theme?: Scheme | 'auto' | undefined;
}

export interface HeatmapAxes {
    readonly rows: string;
    readonly columns: string;
}

export interface HeatmapOptions {
    readonly rows?: readonly string[] | undefined;
    readonly columns?: readonly string[] | undefined;
    readonly axes?: Partial<HeatmapAxes> | undefined;
    readonly batch?: number | undefined;
    readonly head?: number | undefined;
    readonly title?: string | undefined;
    readonly description?: string | undefined;
    readonly highlight?: {
        readonly row: number;
        readonly column?: number | undefined;
    } | undefined;
    readonly domain?: DomainOption | undefined;
}

export interface HeatmapPanels {
    readonly title: string;
    readonly description: string;
    readonly panels: readonly HeatmapView[];
}

export interface HeatmapView {
    readonly title: string;
    readonly description: string;
    readonly rows: readonly string[];
    readonly columns: readonly string[];
    readonly axes: HeatmapAxes;
    readonly values: Float64Array;
    readonly domain: Domain;
    readonly highlight: {
        readonly row: number;
        readonly column: number | null;
    } | null;
    readonly backdrop: string | null;
    readonly signal: Float64Array | null;
}

export interface ImageOptions extends Pick<HeatmapOptions, 'batch' | 'head' | 'title' | 'description' | 'domain'> {
    readonly query: number;
    readonly grid: readonly [rows: number, columns: number];
    readonly skip?: number | undefined;
    readonly image?: string | undefined;
}

export interface PooledWeights {
    readonly max: Tensor<'float32'>;
    readonly mean: Tensor<'float32'>;
    readonly rows: readonly string[];
    readonly columns: readonly string[];
}

export interface PoolingOptions {
    readonly batch?: number | undefined;
    readonly head?: number | undefined;
    readonly rows?: Range | undefined;
    readonly columns?: Range | undefined;
    readonly maximum?: number | undefined;
    readonly statistics?: Statistics | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((share: number) => void) | undefined;
}

export type RGB = readonly [red: number, green: number, blue: number];

export type Range = readonly [start: number, end: number];

export interface SVGOptions {
    readonly colorMap?: ColorMap | undefined;
    readonly theme?: Scheme | 'auto' | undefined;
    readonly id?: string | undefined;
    readonly caption?: string | undefined;
}

export type Scheme = 'light' | 'dark';

export type TerminalColor = 'truecolor' | '256' | 'none';

export interface TerminalOptions {
    readonly color?: TerminalColor | undefined;
    readonly columns?: number | undefined;
    readonly colorMap?: ColorMap | undefined;
}

export type WeightsRequest = Omit<AttentionRequest<Tensor | ResidentTensor>, 'value' | 'gradient' | keyof RequestedResults> & {
    readonly value?: Tensor | ResidentTensor | undefined;
};

export declare function allHeads(weights: PlainTensorLike, options?: Omit<HeatmapOptions, 'head'>): HeatmapPanels;

export declare function colorAt(map: ColorMap, t: number, scheme: Scheme): RGB;

export declare function escapeMarkup(text: string): string;

export declare function formatCell(value: number): string;

export declare function formatValue(value: number): string;

export declare function heatmap(weights: PlainTensorLike, options?: HeatmapOptions): HeatmapView;

export declare function inkOn(color: RGB): RGB;

export declare function meanOverHeads(weights: PlainTensorLike): Tensor<'float64'>;

export declare function overAudio(weights: PlainTensorLike, options: AudioOptions): HeatmapView;

export declare function overImage(weights: PlainTensorLike, options: ImageOptions): HeatmapView;

export declare function pooledWeights(backend: AttentionBackend, request: WeightsRequest, options?: PoolingOptions): Promise<PooledWeights>;

export declare function positionIn(domain: readonly [low: number, high: number], value: number): number | null;

export declare function rollout(layers: readonly PlainTensorLike[]): Tensor<'float64'>;

export declare function shrink(view: HeatmapView, maximum: number): HeatmapView;

export declare function toHTML(pictures: HeatmapView | HeatmapPanels | readonly (HeatmapView | HeatmapPanels)[], options?: HTMLOptions): string;

export declare function toHex(color: RGB): string;

export declare function toSVG(picture: HeatmapView | HeatmapPanels, options?: SVGOptions): string;

export declare function toTerminal(picture: HeatmapView | HeatmapPanels, options?: TerminalOptions): string;

export declare function visibleText(text: string): string;
