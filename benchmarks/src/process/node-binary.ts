import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The Node that contestants run on: that of the npm package `node` in the current folder or beside this package, whose
 * version its installer pins; without one, the Node of this process.
 */
export function nodeBinary(): string {
  for (const from of [pathToFileURL(path.resolve('heed')).href, import.meta.url]) {
    const found = binaryFrom(from);
    if (found !== null) return found;
  }
  return process.execPath;
}

function binaryFrom(from: string): string | null {
  try {
    const folder = path.dirname(createRequire(from).resolve('node/package.json'));
    const binary = path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(binary) ? binary : null;
  } catch {
    return null;
  }
}
