import { provider } from './provider.ts';

export type { WasmOptions } from './options.ts';

export default provider;
