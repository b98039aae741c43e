import type { BackendProvider } from '@heed/core';
import { provider as threeLoops } from './provider.ts';

/** What a backend package exports by default. Importing it does nothing: users pass it in, or call `create`. */
const provider: BackendProvider<void> = threeLoops;
export default provider;
