// exports
//   WasmOptions
//   default: wasm

export interface WasmOptions {
    readonly threads?: number;
    readonly relaxedSimd?: 'auto' | false;
}

declare const wasm: BackendProvider<WasmOptions>;
