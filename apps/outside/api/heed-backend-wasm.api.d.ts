// exports
//   WasmOptions
//   default: wasm

export interface WasmOptions {
    readonly threads?: number | undefined;
    readonly relaxedSimd?: 'auto' | false | undefined;
    readonly worker?: string | {
        readonly href: string;
    } | undefined;
}

declare const wasm: BackendProvider<WasmOptions>;
