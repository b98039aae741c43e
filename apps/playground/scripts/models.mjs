// Puts the language model of the page Write into dist/models, beside the built page. `provision` fetches it.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const source = join(cache, 'heed', 'SmolLM2-135M-Instruct', FILE);
const folder = fileURLToPath(new URL('../dist/models', import.meta.url));

if (!existsSync(source)) {
  console.error(`models: ${FILE} is missing; run pnpm --filter @heed/playground provision`);
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
cpSync(source, join(folder, FILE));
console.log(`models: ${FILE} is in ${folder}`);
