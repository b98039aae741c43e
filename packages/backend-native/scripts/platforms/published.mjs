import { join } from 'node:path';
import { cached } from '../build/cache.mjs';
import { compile } from '../build/compile.mjs';
import { platformName } from '../build/install.mjs';
import { TARGETS } from '../build/targets.mjs';
import { provisionZig, zigFor } from '../build/zig.mjs';

/** Builds the file of a platform that is published, once for the machine and the state of the sources. @returns its path. */
export async function publishedFile(name) {
  const target = TARGETS[name];
  const zig = zigFor(target, await provisionZig());
  const folder = await cached(platformName(name), (partial) => compile(zig, target, partial));
  return join(folder, 'heed.node');
}
