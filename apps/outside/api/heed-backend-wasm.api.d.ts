// exports
//   WasmOptions
//   default: wasm

export interface WasmOptions {
    readonly threads?: number;
    readonly relaxedSimd?: 'auto' | false;
    readonly worker?: string | {
        readonly href: string;
    };
}

declare const wasm: BackendProvider<WasmOptions>;
