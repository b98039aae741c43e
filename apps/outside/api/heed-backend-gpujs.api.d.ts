// exports
//   GpujsOptions
//   Mode
//   default: gpujs

export interface GpujsOptions {
    readonly mode?: Mode | undefined;
    readonly fallback?: boolean | undefined;
    readonly threads?: number | undefined;
}

export declare const MODES: readonly ['webgpu', 'webgl2', 'webgl', 'headlessgl', 'webasm', 'cpu'];

export type Mode = (typeof MODES)[number];

declare const gpujs: BackendProvider<GpujsOptions>;
