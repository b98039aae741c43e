// exports
//   NativeOptions
//   default: native

declare const LEVELS: readonly ['avx512', 'avx2', 'neon', 'plain'];

type LevelName = (typeof LEVELS)[number];

export interface NativeOptions {
    readonly threads?: number | undefined;
    readonly level?: LevelName | undefined;
}

declare const native: BackendProvider<NativeOptions>;
