export type { WasmOptions } from './options.ts';
