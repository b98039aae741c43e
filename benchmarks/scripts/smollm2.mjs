import { homedir } from 'node:os';
import path from 'node:path';

const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
const NAME = 'SmolLM2-135M-Instruct';

/** The file that `pnpm --filter @heed/models provision` fetched. */
export const SMOLLM2 = path.join(cache, 'heed', NAME, `${NAME}.Q4_1.gguf`);

/** A token of a text of random ones. */
export const idAt = (n) => 1000 + ((n * 7919) % 20_000);
