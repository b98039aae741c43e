// exports
//   GpuBufferTensor
//   WebgpuOptions
//   default: webgpu

export interface GpuBufferTensor {
    readonly buffer: GPUBuffer;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly offset?: number | undefined;
    readonly owned?: boolean | undefined;
}

export interface WebgpuOptions {
    readonly device?: GPUDevice | undefined;
    readonly powerPreference?: 'low-power' | 'high-performance' | undefined;
    readonly subgroups?: 'auto' | false | undefined;
}

declare const webgpu: BackendProvider<WebgpuOptions>;
