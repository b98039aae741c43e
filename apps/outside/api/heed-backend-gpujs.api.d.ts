// exports
//   GpujsOptions
//   Mode
//   default: gpujs

export interface GpujsOptions {
    readonly mode?: Mode;
    readonly fallback?: boolean;
    readonly threads?: number;
}

export declare const MODES: readonly ['webgpu', 'webgl2', 'webgl', 'headlessgl', 'webasm', 'cpu'];

export type Mode = (typeof MODES)[number];

declare const gpujs: BackendProvider<GpujsOptions>;
