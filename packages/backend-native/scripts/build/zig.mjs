import { join } from 'node:path';
import { cached } from './cache.mjs';
import { run } from './run.mjs';

/** The compiler that published files are built with. One for every target, so that all have the same. */
const VERSION = '0.17.1';

/** The path of zig, from the Python package index once for the machine. */
export async function provisionZig() {
  const folder = await cached(`ziglang-${VERSION}`, (partial) =>
    run([
      ...['python3', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'],
      ...['--target', partial, `ziglang==${VERSION}`],
    ]),
  );
  return join(folder, 'ziglang', process.platform === 'win32' ? 'zig.exe' : 'zig');
}

/** The compiler of a target's file. Its fingerprint is known before zig is there. */
export function zigFor(target, path = 'zig') {
  return { words: [path, 'c++', '-target', target.zig], version: `zig ${VERSION}`, family: 'zig' };
}
