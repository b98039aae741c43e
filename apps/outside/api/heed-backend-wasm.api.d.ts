// exports
//   WasmOptions
//   default: provider

export interface WasmOptions {
    readonly threads?: number;
    readonly relaxedSimd?: 'auto' | false;
}

export declare const provider: BackendProvider<WasmOptions>;
