import type { BackendProvider } from '@heed/core';
import { provider as threeLoops } from './provider.ts';

/** Default export of a backend package. Importing it does nothing: users pass it in, or call `create`. */
const provider: BackendProvider<void> = threeLoops;
export default provider;
