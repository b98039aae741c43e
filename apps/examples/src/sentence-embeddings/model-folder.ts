import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { type BertConfig, SentenceEncoder } from './sentence-encoder.ts';

/** Folder where `provision` puts the model. */
export const provisionedFolder: string = path.join(
  process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'),
  'heed',
  'all-MiniLM-L6-v2',
);

/** Reason that the folder cannot be used, with the remedy; null if it can. */
export function folderFault(folder: string): string | null {
  const missing = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'].filter(
    (name) => !existsSync(path.join(folder, name)),
  );
  return missing.length === 0
    ? null
    : `${folder} lacks ${missing.join(', ')}: name a folder with the model's files, or run the script "provision"`;
}

export async function loadEncoder(folder: string): Promise<SentenceEncoder> {
  const json = async (name: string): Promise<object> =>
    JSON.parse(await readFile(path.join(folder, name), 'utf8')) as object;
  return new SentenceEncoder({
    config: (await json('config.json')) as BertConfig,
    weights: await readFile(path.join(folder, 'model.safetensors')),
    tokenizer: await json('tokenizer.json'),
    tokenizerConfig: await json('tokenizer_config.json'),
  });
}
