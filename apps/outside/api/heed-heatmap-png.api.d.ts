// exports
//   PNGOptions
//   toPNG

export type ColorMap = 'magma' | 'inferno' | 'plasma' | 'viridis' | 'RdBu';

export type Domain = readonly [low: number, high: number];

export type FileBytes = Uint8Array & {
    readonly buffer: ArrayBuffer;
};

export interface HeatmapAxes {
    readonly rows: string;
    readonly columns: string;
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

export interface PNGOptions {
    readonly scale?: number | undefined;
    readonly colorMap?: ColorMap | undefined;
    readonly theme?: Scheme | undefined;
    readonly fonts?: readonly Uint8Array[] | undefined;
    readonly caption?: string | undefined;
}

export type Scheme = 'light' | 'dark';

export declare function toPNG(picture: HeatmapView | HeatmapPanels, options?: PNGOptions): Promise<FileBytes>;
