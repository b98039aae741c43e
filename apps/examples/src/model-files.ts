import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** Folder where `provision` puts a model. */
export function provisioned(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache');
  return path.join(cache, 'heed', name);
}

/** Reason that a folder cannot be used, with the remedy; null if it can. */
export function folderFault(folder: string, files: readonly string[]): string | null {
  const missing = files.filter((name) => !existsSync(path.join(folder, name)));
  return missing.length === 0
    ? null
    : `${folder} lacks ${missing.join(', ')}: name a folder with the model's files, or run the script "provision"`;
}

/** A JSON file of a folder. */
export async function readJSON(folder: string, name: string): Promise<object> {
  return JSON.parse(await readFile(path.join(folder, name), 'utf8')) as object;
}
